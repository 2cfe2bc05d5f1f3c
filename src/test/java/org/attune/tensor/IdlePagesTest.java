package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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

    /// What the system says of the mapping that begins at an address: its rights, and the KiB of it
    /// that are in memory.
    private record Mapping(String rights, long resident) {
        static Mapping at(long address) throws IOException {
            String rights = "none";
            boolean here = false;
            for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
                String[] words = line.split(" +");
                if (words[0].contains("-")) {
                    long begin = Long.parseUnsignedLong(words[0].split("-", 2)[0], 16);
                    here = begin == address;
                    rights = here ? words[1] : rights;
                } else if (here && words[0].equals("Rss:")) {
                    return new Mapping(rights, Long.parseLong(words[1]));
                }
            }
            return new Mapping(rights, -1);
        }
    }

    @Test
    void wholePagesGoToTheSystemAndComeBack() throws IOException {
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
                var idle = new Mapping("---p", 0);
                assertEquals(idle, Mapping.at(memory.address() + PAGE));
                assertEquals(idle, Mapping.at(memory.address() + 5 * PAGE));
                assertEquals(NUMBER, at(memory, PAGE - 1));
                assertEquals(NUMBER, at(memory, 3 * PAGE));
                pages.comeBack();
                assertNotEquals(NUMBER, at(memory, PAGE));
                assertNotEquals(NUMBER, at(memory, 7 * PAGE - 1));
                assertEquals(NUMBER, at(memory, 7 * PAGE));
                pages.pages().forEach(part -> part.fill((byte) (NUMBER + 2)));
                assertEquals(NUMBER + 2, at(memory, 3 * PAGE - 1));
                assertEquals(NUMBER, at(memory, 3 * PAGE));
                pages.leave();
            }
            memory.fill(NUMBER); // what is closed is ordinary memory
            assertEquals(NUMBER, at(memory, PAGE));
        }
    }
}
