package org.attune.models;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import org.attune.checkpoint.ModelWriter;
import org.attune.files.AtomicFile;
import org.attune.files.JsonFields;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// The text between the steps that a process reward model judges. Neither transformers nor PEFT has
/// a place for it, so it stands in its own file beside the model: judged with another separator
/// than it was trained with, a model gives noise that looks like rewards.
///
/// @param text TRL's `step_separator`
public record StepSeparator(String text) {
    /// TRL's default.
    public static final StepSeparator DEFAULT = new StepSeparator("\n");

    private static final String FILE = "process_reward.json";
    private static final String KEY = "step_separator";

    /// The one in a model's or adapter's folder, if it says.
    ///
    /// @throws org.attune.error.ModelException if the file is damaged
    public static Optional<StepSeparator> of(Path folder) {
        Path file = folder.resolve(FILE);
        return Files.exists(file)
                ? Optional.of(new StepSeparator(JsonFields.read(file).text(KEY)))
                : Optional.empty();
    }

    /// Writes it into a folder.
    public void write(Path folder) throws IOException {
        var json = JsonNodeFactory.instance.objectNode().put(KEY, text);
        AtomicFile.writeText(folder.resolve(FILE), Json.pretty(json));
    }

    /// Writes it wherever the model is written.
    public ModelWriter beside(ModelWriter model) {
        return folder -> {
            model.write(folder);
            write(folder);
        };
    }
}
