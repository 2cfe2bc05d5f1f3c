package org.attune.cli;

import picocli.CommandLine.Parameters;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A run's file and the values that override it.
final class RunArguments {
    @Parameters(
            index = "0",
            paramLabel = "RUN.yaml",
            description = "The run's file: TRL's keys, flat (docs/keys.md).")
    Path file;

    @Parameters(
            index = "1..*",
            paramLabel = "key=value",
            description = "Keys over those of the file; the value is YAML.")
    List<String> overrides = new ArrayList<>();

    /// Where the file stands: rewards in files are named from there.
    Path directory() {
        Path parent = file.toAbsolutePath().getParent();
        return parent == null ? Path.of("") : parent;
    }
}
