package org.attune.testing;

import org.attune.tensor.library.LibtorchSearch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A JVM without compilers, for tests that count bytes. Compiled methods lie in `malloc`'s memory
/// too, in whichever arena their compiler found; without them the engine thread has its arena to
/// itself, and the count after a step is that before it, to the byte.
public final class InterpretedJvm {
    private InterpretedJvm() {}

    /// @param exitCode 0 if the program ended well
    /// @param output what it printed, to either stream
    public record Result(int exitCode, String output) {
        /// @throws AssertionError if the program failed
        public void assertFine() {
            System.out.print(output);
            if (exitCode != 0) {
                throw new AssertionError("exit code " + exitCode + ":\n" + output);
            }
        }
    }

    /// Runs a class's `main` with this JVM's class path, environment and libtorch.
    public static Result run(Class<?> program, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of("-Xint", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "-cp"));
        command.add(System.getProperty("java.class.path"));
        Optional.ofNullable(System.getProperty(LibtorchSearch.PROPERTY))
                .ifPresent(folder -> command.add("-D" + LibtorchSearch.PROPERTY + "=" + folder));
        command.add(program.getName());
        command.addAll(List.of(arguments));
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            byte[] output = process.getInputStream().readAllBytes();
            return new Result(process.waitFor(), new String(output, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new IllegalStateException(command + " could not be run", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(command + " was interrupted", e);
        }
    }
}
