package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

@EnabledOnOs(OS.LINUX)
class IdlePagesTest {
    private static final long PAGE = Pages.bytes();
    private static final byte NUMBER = 7;

    private static byte at(MemorySegment memory, long place) {
        return memory.get(ValueLayout.JAVA_BYTE, place);
    }

    /// What the system says of the mapping that begins at an address.
    private static String rights(long address) throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(
                            line -> Long.parseUnsignedLong(line.split("-", 2)[0], 16) == address)
                    .map(line -> line.split(" +")[1])
                    .findFirst()
                    .orElse("none");
        }
    }

    @Test
    void wholePagesGoAndComeBackAsZeros() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(10 * PAGE, PAGE).fill(NUMBER);
            try (var pages =
                    new IdlePages(
                            List.of(
                                    memory.asSlice(16, 3 * PAGE), // two whole pages
                                    memory.asSlice(5 * PAGE, PAGE),
                                    memory.asSlice(6 * PAGE, PAGE),
                                    memory.asSlice(8 * PAGE + 1, PAGE)))) { // none
                assertEquals(4 * PAGE, pages.bytes());
                assertEquals(2, pages.pages().size(), "neighbours are one");
                pages.leave();
                assertTrue(pages.areIdle());
                assertEquals("---p", rights(memory.address() + PAGE));
                assertEquals(NUMBER, at(memory, PAGE - 1));
                assertEquals(NUMBER, at(memory, 3 * PAGE));
                pages.comeBack();
                assertEquals(0, at(memory, PAGE));
                assertEquals(0, at(memory, 7 * PAGE - 1));
                assertEquals(NUMBER, at(memory, 7 * PAGE));
                pages.leave();
            }
            memory.fill(NUMBER); // what is closed is ordinary memory
            assertEquals(NUMBER, at(memory, PAGE));
        }
    }
}
