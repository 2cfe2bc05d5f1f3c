package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.trainers.config.Resume;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

class RunLockTest {
    @TempDir Path folder;

    @Test
    void secondRunIsRefusedUntilTheFirstOneEnds() throws IOException {
        try (var _ = RunLock.take(folder)) {
            assertTrue(Files.exists(folder.resolve(RunLock.NAME)));
            for (Resume resume : List.of(new Resume.No(), new Resume.Latest())) {
                String message =
                        assertThrows(
                                        ConfigException.class,
                                        () -> RunFolder.open(folder, resume, List.of()))
                                .getMessage();
                assertTrue(message.contains("output_dir"), message);
                assertTrue(message.contains("process " + ProcessHandle.current().pid()), message);
            }
        }
        assertFalse(Files.exists(folder.resolve(RunLock.NAME)));
        RunLock.take(folder).close();
    }

    /// The holder is another process.
    @Test
    void killedRunStandsInNobodysWay() throws Exception {
        Process holder =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xint",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Holder.class.getName(),
                                folder.toString())
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        try (var said = holder.inputReader()) {
            assertEquals("held", said.readLine());
            String message =
                    assertThrows(ConfigException.class, () -> RunLock.take(folder)).getMessage();
            assertTrue(message.contains("process " + holder.pid()), message);
            holder.destroyForcibly();
            assertTrue(holder.waitFor(1, TimeUnit.MINUTES));
            assertTrue(Files.exists(folder.resolve(RunLock.NAME)), "nobody cleared up");
            RunLock.take(folder).close();
        } finally {
            holder.destroyForcibly();
        }
    }

    /// Takes a folder's lock and keeps it.
    static final class Holder {
        private Holder() {}

        static void main(String... args) throws Exception {
            try (var _ = RunLock.take(Path.of(args[0]))) {
                IO.println("held");
                Thread.sleep(TimeUnit.MINUTES.toMillis(10));
            }
        }
    }
}
