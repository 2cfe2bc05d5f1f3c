package org.attune.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

class AddressSpaceTest {
    private static final long GIB = 1L << 30;

    @TempDir private Path root;

    private AddressSpace space(String limit, long takenKibibytes) throws IOException {
        Path self = Files.createDirectories(root.resolve("proc/self"));
        Files.writeString(
                self.resolve("limits"),
                """
                Limit                     Soft Limit           Hard Limit           Units
                Max cpu time              unlimited            unlimited            seconds
                Max address space         %s           unlimited            bytes
                """
                        .formatted(limit));
        Files.writeString(
                self.resolve("status"),
                "VmPeak:\t 9 kB\nVmSize:\t %d kB\n".formatted(takenKibibytes));
        return new AddressSpace(root);
    }

    @Test
    void whatIsLeftIsTheLimitWithoutWhatIsReserved() throws IOException {
        assertEquals(OptionalLong.of(4 * GIB), space("" + 6 * GIB, 2L << 20).left());
        assertEquals(OptionalLong.of(0), space("" + GIB, 2L << 20).left());
        assertEquals(OptionalLong.empty(), space("unlimited", 2L << 20).left());
        assertEquals(OptionalLong.empty(), new AddressSpace(root.resolve("nowhere")).left());
    }

    @Test
    void startThatWouldRunIntoTheLimitIsRefused() throws IOException {
        AddressSpace space = space("" + 6 * GIB, 5L << 20);
        String message =
                assertThrows(ConfigException.class, () -> space.require("the model", 2 * GIB))
                        .getMessage();
        assertEquals(
                "the address space of this process is limited to 6.0 GiB, of which 1.0 are left,"
                        + " and the model takes 2.0; raise it before the start, with \"ulimit -v"
                        + " unlimited\", or in the place that sets it",
                message);
        assertThrows(ConfigException.class, space::requireEngine);
        space.require("a smaller model", GIB);
        assertTrue(space.hint().startsWith("The address space of this process is limited"));
        space("unlimited", 5L << 20).requireEngine();
        assertEquals("", space("unlimited", 5L << 20).hint());
    }
}
