package org.attune.cli.command;

import org.attune.error.ConfigException;

import picocli.CommandLine.Parameters;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A run's file and the values that override it, as they stand behind the command.
public final class RunArguments {
    @Parameters(
            paramLabel = "RUN.yaml|key=value",
            description = {
                "The run's file: TRL's keys, flat (docs/keys.md). Keys behind it win over those of"
                        + " the file; the value is YAML.",
                "TRL's forms are understood too: --config RUN.yaml, --key value, --flag, --no_flag,"
                        + " --list a b."
            })
    public List<String> words = new ArrayList<>();

    /// Whether the file is given is for the reader of the words to see.
    public Path file() {
        if (words.isEmpty()) {
            throw new ConfigException(
                    "which run? Give its file, as run.yaml, or its keys, as"
                            + " model_name_or_path=MODEL datasets=DATA output_dir=DIR");
        }
        return Path.of("");
    }
}
