package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.UsesEngine;
import org.attune.error.StopRequest;
import org.attune.tensor.Engine;
import org.attune.testing.Hardware;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import picocli.CommandLine;
import picocli.CommandLine.Command;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/// Real signals to commands that write no checkpoint.
class StoppableWorkTest {
    private static final Path MODEL =
            Path.of(System.getProperty("attune.root", ".."), "examples", "model")
                    .toAbsolutePath()
                    .normalize();
    private static final int SIGTERM = 143;

    @TempDir private Path folder;

    private Process start(Class<?> main, String... arguments) throws IOException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("said").toFile())
                .start();
    }

    private String stop(Process process, String signal, int code, BooleanSupplier begun)
            throws Exception {
        try {
            if (signal.equals("-INT")) {
                Hardware.requireInterrupts();
            }
            while (process.isAlive() && !begun.getAsBoolean()) {
                Thread.sleep(20);
            }
            assertTrue(process.isAlive(), said());
            new ProcessBuilder("kill", signal, "" + process.pid()).start().waitFor();
            assertTrue(process.waitFor(2, TimeUnit.MINUTES), "doesn't end");
            assertEquals(code, process.exitValue(), said());
            return said();
        } finally {
            process.destroyForcibly();
        }
    }

    private String said() {
        try {
            return Files.readString(folder.resolve("said"), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    @Tag("thorough")
    @Test
    void workOnTheEngineThreadEndsAndSaysWhatThereIs() throws Exception {
        for (String signal : List.of("-INT", "-TERM")) {
            int code = signal.equals("-INT") ? ExitCodes.INTERRUPTED : SIGTERM;
            String said = stop(start(Child.class), signal, code, () -> said().contains("works\n"));
            // the log's line that it stops is another thread's, and may come before or between
            int away = said.indexOf("put away\n");
            assertTrue(
                    away >= 0 && away < said.indexOf("attune: stopped; nothing was written\n"),
                    said);
        }
    }

    @Tag("thorough")
    @Test
    void completionsOfAFileGoOnAfterwards() throws Exception {
        Path prompts = folder.resolve("prompts.txt");
        Files.writeString(prompts, "Sort ascending: 3 1 2 4\n".repeat(20_000));
        Path out = folder.resolve("out.jsonl");
        String said =
                stop(
                        start(
                                Main.class,
                                "generate",
                                "--model",
                                MODEL.toString(),
                                "--prompts",
                                prompts.toString(),
                                "--out",
                                out.toString()),
                        "-INT",
                        ExitCodes.INTERRUPTED,
                        () -> out.toFile().length() > 0);
        assertTrue(
                said.contains(
                        "attune: stopped; "
                                + out
                                + " has what was completed; the same command goes on"),
                said);
        assertTrue(Files.readString(out).endsWith("}\n"));
    }

    /// A command that works until it is stopped.
    @Command(name = "child")
    static final class Child implements Callable<Integer>, UsesEngine {
        @Override
        public Integer call() {
            try {
                Engine.run(Child::work);
            } finally {
                IO.println("put away");
            }
            return ExitCodes.DONE;
        }

        private static void work() {
            IO.println("works");
            while (true) {
                StopRequest.check();
                Thread.onSpinWait();
            }
        }

        static void main() {
            System.exit(
                    new CommandLine(new Child())
                            .setExecutionStrategy(Preparation::applyAndRun)
                            .execute());
        }
    }
}
