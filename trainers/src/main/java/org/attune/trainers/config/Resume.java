package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.nio.file.Path;

/// Whether a run continues an interrupted one. In a file: `false`, `true` or a checkpoint's folder.
@Api(EXPERIMENTAL)
public sealed interface Resume {
    /// A new run.
    record No() implements Resume {}

    /// Resumes from the newest whole checkpoint in `output_dir`; from the start if there is none.
    record Latest() implements Resume {}

    /// Resumes from this checkpoint.
    record From(Path checkpoint) implements Resume {}

    /// Reads the file's spelling.
    static Resume parse(String text) {
        return switch (text) {
            case "false" -> new No();
            case "true" -> new Latest();
            default -> new From(Path.of(text));
        };
    }
}
