package org.attune.cli.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.testing.Hardware;
import org.attune.trainers.loop.StopSignal;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/// Real signals to real processes.
@DisabledOnOs(OS.WINDOWS)
class InterruptGuardTest {
    @BeforeAll
    static void interruptsAreHeeded() throws IOException {
        Hardware.requireInterrupts();
    }

    private static Process run(String how) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Run.class.getName(),
                        how)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static void send(String signal, Process to) throws Exception {
        assertEquals(
                0, new ProcessBuilder("kill", signal, "" + to.pid()).start().waitFor(), signal);
    }

    @Test
    void stoppedRunFinishesWhatItHasToDo() throws Exception {
        for (String signal : new String[] {"-INT", "-TERM"}) {
            Process run = run("stops");
            try (BufferedReader said = run.inputReader()) {
                assertEquals("runs", said.readLine());
                send(signal, run);
                assertEquals("saved", said.readLine());
                assertTrue(run.waitFor(2, TimeUnit.MINUTES));
                assertNotEquals(0, run.exitValue());
            } finally {
                run.destroyForcibly();
            }
        }
    }

    @Test
    void secondSignalEndsAtOnce() throws Exception {
        Process run = run("does not stop");
        try (BufferedReader said = run.inputReader()) {
            assertEquals("runs", said.readLine());
            send("-INT", run);
            assertEquals("asked", said.readLine());
            Thread.sleep(3000);
            assumeTrue(run.isAlive(), "the run's own patience is longer");
            send("-INT", run);
            assertTrue(run.waitFor(2, TimeUnit.MINUTES), "still waits for the run");
            assertEquals(ExitCodes.INTERRUPTED, run.exitValue());
        } finally {
            run.destroyForcibly();
        }
    }

    /// A run that heeds the request, or not.
    static final class Run {
        private Run() {}

        static void main(String... args) throws Exception {
            var stop = new StopSignal();
            try (var _ = new InterruptGuard(stop)) {
                IO.println("runs");
                while (!stop.requested()) {
                    Thread.sleep(10);
                }
                if (args[0].equals("stops")) {
                    IO.println("saved");
                } else {
                    IO.println("asked");
                    Thread.sleep(TimeUnit.MINUTES.toMillis(4));
                }
            }
        }
    }
}
