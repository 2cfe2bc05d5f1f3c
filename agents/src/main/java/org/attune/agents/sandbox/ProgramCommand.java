package org.attune.agents.sandbox;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// A program to run.
///
/// @param command program, as an absolute path, and its arguments
/// @param work its folder, the only one that it may write; exists
/// @param read further files and folders that it may read
/// @param environment all of it, but for `PATH`, `HOME`, `TMPDIR` and `LANG`, which are set where
///     it doesn't name them
/// @param isJvm whether it is a JVM, which sets more addresses aside than it uses memory
public record ProgramCommand(
        List<String> command,
        Path work,
        List<Path> read,
        Map<String, String> environment,
        boolean isJvm) {
    public ProgramCommand {
        command = List.copyOf(command);
        read = List.copyOf(read);
        environment = Map.copyOf(environment);
    }
}
