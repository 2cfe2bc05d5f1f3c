package org.attune.model;

import org.attune.tensor.DType;
import org.attune.tensor.Kernels;
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
            Tensor product = a.mm(b).to(DType.FLOAT32);
            gradient.addInPlace(scale == 1 ? product : product.mulInPlace(scale));
        }
    }

    /// `gradient += sum of rows`.
    static void addRows(Tensor gradient, Tensor rows) {
        try (var _ = TensorScope.open("gradient")) {
            gradient.addInPlace(rows.to(DType.FLOAT32).sum(0, false));
        }
    }
}
