package org.attune.agents.sandbox;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A program to run.
///
/// @param command program, as an absolute path, and its arguments
/// @param code a file that it finds in [WorkFolder#code], if there is one
/// @param environment all of it, but for `PATH`, `HOME`, `TMPDIR` and `LANG`, which are set where
///     it doesn't name them
/// @param isJvm whether it is or starts a JVM, which sets more addresses aside than it uses memory;
///     processes then share no memory but by files
@Api(EXPERIMENTAL)
public record ProgramCommand(
        List<String> command,
        Optional<SourceFile> code,
        Map<String, String> environment,
        boolean isJvm) {
    public ProgramCommand {
        command = List.copyOf(command);
        environment = Map.copyOf(environment);
    }

    /// A program with nothing else.
    ///
    /// @param command program, as an absolute path, and its arguments
    public static ProgramCommand of(String... command) {
        return new ProgramCommand(List.of(command), Optional.empty(), Map.of(), false);
    }
}
