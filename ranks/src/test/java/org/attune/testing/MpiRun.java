package org.attune.testing;

import org.junit.jupiter.api.Assumptions;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// Starts a class's `main` on several ranks with the machine's `mpirun`.
public final class MpiRun {
    private final int ranks;
    private final List<String> options = new ArrayList<>();

    private MpiRun(int ranks) {
        this.ranks = ranks;
    }

    /// @param exitCode of the launcher
    /// @param output all streams of all ranks and the launcher
    public record Result(int exitCode, String output) {}

    /// For so many ranks; skips the test, and says so, where there is no `mpirun`.
    public static MpiRun of(int ranks) {
        boolean there = launcher() != null;
        if (!there) {
            System.out.println(
                    "SKIPPED: mpirun is not on the PATH; Debian: apt install openmpi-bin");
        }
        Assumptions.assumeTrue(there, "mpirun is not on the PATH");
        return new MpiRun(ranks);
    }

    private static Path launcher() {
        return Stream.of(System.getenv("PATH").split(":"))
                .map(folder -> Path.of(folder, "mpirun"))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
    }

    /// With a further option of the JVMs.
    public MpiRun with(String option) {
        options.add(option);
        return this;
    }

    /// Starts and returns at once.
    public Process start(Class<?> program, String... arguments) {
        List<String> command = new ArrayList<>(List.of(launcher().toString()));
        command.addAll(List.of("--allow-run-as-root", "--oversubscribe", "--bind-to", "none"));
        command.addAll(List.of("-n", "" + ranks));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"));
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp"));
        command.add(System.getProperty("java.class.path"));
        command.addAll(options);
        command.add(program.getName());
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(Map.of("OMP_NUM_THREADS", "1", "UCX_ERROR_SIGNALS", ""));
        try {
            return builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(command + " could not be run", e);
        }
    }

    /// Waits for the end.
    ///
    /// @throws AssertionError if it doesn't come in time
    public static Result await(Process process, Duration patience) {
        try {
            var output = new StringBuilder();
            Thread reader = Thread.ofVirtual().start(() -> output.append(read(process)));
            if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                reader.join();
                throw new AssertionError("no end within " + patience + ":\n" + output);
            }
            reader.join();
            return new Result(process.exitValue(), output.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static String read(Process process) {
        try {
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
