package org.attune.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

/// Writes the trained model in the form in which other tools read it: a PEFT adapter folder, or a
/// model folder in Hugging Face layout.
@FunctionalInterface
public interface ModelWriter {
    /// Writes the current values into an existing folder, beside whatever else is in it.
    void write(Path folder) throws IOException;
}
