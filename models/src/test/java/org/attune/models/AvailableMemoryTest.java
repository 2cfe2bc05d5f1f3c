package org.attune.models;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

class AvailableMemoryTest {
    @TempDir private Path root;

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private long bytes() {
        return new AvailableMemory(root).bytes().orElseThrow();
    }

    @BeforeEach
    void machine() throws IOException {
        write(
                "proc/meminfo",
                """
                MemTotal:       24000000 kB
                MemFree:         1000000 kB
                MemAvailable:    9000000 kB
                """);
    }

    @Test
    void withoutLimitsTheMachineCounts() throws IOException {
        assertEquals(9_000_000L * 1024, bytes());
        write("proc/self/cgroup", "0::/\n");
        write("sys/fs/cgroup/memory.max", "max\n");
        write("sys/fs/cgroup/memory.current", "123\n");
        assertEquals(9_000_000L * 1024, bytes());
    }

    @Test
    void aContainersLimitCountsLessWhatIsUsedAndNotCache() throws IOException {
        write("proc/self/cgroup", "0::/\n");
        write("sys/fs/cgroup/memory.max", "4000000000\n");
        write("sys/fs/cgroup/memory.current", "1500000000\n");
        assertEquals(2_500_000_000L, bytes());
        write("sys/fs/cgroup/memory.stat", "anon 1000\ninactive_file 400000000\n");
        assertEquals(2_900_000_000L, bytes());
    }

    @Test
    void theTightestGroupAboveCounts() throws IOException {
        write("proc/self/cgroup", "0::/jobs/run\n");
        write("sys/fs/cgroup/jobs/run/memory.max", "max\n");
        write("sys/fs/cgroup/jobs/run/memory.current", "100\n");
        write("sys/fs/cgroup/jobs/memory.max", "1000000\n");
        write("sys/fs/cgroup/jobs/memory.current", "400000\n");
        assertEquals(600_000, bytes());
        write("sys/fs/cgroup/jobs/memory.current", "1400000\n");
        assertEquals(0, bytes(), "used beyond the limit");
    }

    @Test
    void limitsOfVersion1Count() throws IOException {
        write("proc/self/cgroup", "5:memory:/\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("sys/fs/cgroup/memory/memory.usage_in_bytes", "100\n");
        assertEquals(9_000_000L * 1024, bytes());
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n");
        write("sys/fs/cgroup/memory/memory.stat", "cache 7\ntotal_inactive_file 50\n");
        assertEquals(950, bytes());
    }

    @Test
    void thisMachineTells() {
        OptionalLong here = new AvailableMemory(Path.of("/")).bytes();
        assertEquals(true, here.isPresent() && here.getAsLong() > 0);
    }
}
