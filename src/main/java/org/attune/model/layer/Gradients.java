package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// Adding into float32 gradients from passes that run in the compute dtype.
final class Gradients {
    private Gradients() {}

    /// `gradient += sum of rows`.
    static void addRows(Tensor gradient, Tensor rows) {
        try (var _ = TensorScope.open("gradient")) {
            gradient.addInPlace(rows.to(DType.FLOAT32).sum(0, false));
        }
    }
}
