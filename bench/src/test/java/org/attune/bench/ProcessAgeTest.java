package org.attune.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

class ProcessAgeTest {
    @TempDir Path proc;

    @Test
    void countsFromTheStartOfTheProcess() {
        double jvm = ManagementFactory.getRuntimeMXBean().getUptime() / 1e3;
        assertEquals(jvm, ProcessAge.seconds(), 0.5);
    }

    @Test
    void aNameMayHoldSpacesAndBrackets() throws IOException {
        Files.createDirectories(proc.resolve("self"));
        Files.writeString(
                proc.resolve("self/stat"),
                "7 (a) b) S 1 7 7 0 -1 4194304 5 6 7 8 9 10 11 12 20 0 17 0 123450 4096 99\n");
        Files.writeString(proc.resolve("uptime"), "1300.25 2500.00\n");
        assertEquals(65.75, new ProcessAge(proc).read(), 1e-9);
    }

    @Test
    void withoutLinuxFilesTheJvmTells() {
        double jvm = ManagementFactory.getRuntimeMXBean().getUptime() / 1e3;
        assertEquals(jvm, new ProcessAge(proc.resolve("none")).read(), 0.5);
    }
}
