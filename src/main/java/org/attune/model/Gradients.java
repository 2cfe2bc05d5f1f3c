package org.attune.model;

import org.attune.tensor.DType;
import org.attune.tensor.Kernels;
import org.attune.tensor.Sums;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// Adding into float32 gradients from passes that run in the compute dtype.
final class Gradients {
    private Gradients() {}

    /// `gradient += scale · a b`.
    static void addProduct(Tensor gradient, Tensor a, Tensor b, double scale) {
        if (a.dtype() == DType.FLOAT32) {
            Kernels.addmm(gradient, a, b, 1, scale);
            return;
        }
        try (var _ = TensorScope.open("gradient")) {
            Sums.add(gradient, a.mm(b), scale);
        }
    }

    /// `gradient += sum of rows`.
    static void addRows(Tensor gradient, Tensor rows) {
        try (var _ = TensorScope.open("gradient")) {
            gradient.addInPlace(rows.to(DType.FLOAT32).sum(0, false));
        }
    }
}
