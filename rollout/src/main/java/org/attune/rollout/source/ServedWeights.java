package org.attune.rollout.source;

import java.nio.file.Path;

/// Weights for servers to load: an adapter, or a whole model in place of the one that they have.
///
/// @param name by which they know them; it is never used for others
/// @param folder in PEFT's form, or of a model, under the path by which servers find it
/// @param isModel whether it is a whole model
public record ServedWeights(String name, Path folder, boolean isModel) {
    /// An adapter.
    public ServedWeights(String name, Path folder) {
        this(name, folder, false);
    }
}
