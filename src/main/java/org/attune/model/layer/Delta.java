package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Kernels;
import org.attune.tensor.OuterProducts;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.List;
import java.util.function.Consumer;

/// An update of any rank, `y += x Δᵀ`, whose matrix is a function of trained values. It is a
/// product of the layer's size beside the layer's, and its matrix takes as much memory as the
/// weight.
///
/// @param matrix `Δ` in the compute dtype, `(out, in)`
/// @param learner gets the gradient of `Δ` in each backward pass, float32 `(out, in)`, and adds to
///     the gradients of the trained values; null if they are frozen
public record Delta(int part, Tensor matrix, Consumer<Tensor> learner) implements LayerUpdate {
    /// Adds the update.
    ///
    /// @param x `(N, in)`
    /// @param y `(N, out)`
    void apply(Tensor x, Tensor y) {
        Kernels.addmm(y, x, matrix.t(), 1, 1);
    }

    /// Back through [#apply].
    ///
    /// @param dy gradient of `y`, `(N, out)`
    /// @param x `(N, in)`
    /// @param dx gradient of `x`, `(N, in)`; is added to
    void backward(Tensor dy, Tensor x, Tensor dx) {
        Kernels.addmm(dx, dy, matrix, 1, 1);
        if (learner != null) {
            try (var _ = TensorScope.open("delta")) {
                Tensor sum = Tensor.zeros(dy.device(), DType.FLOAT32, matrix.shape());
                OuterProducts.add(List.of(OuterProducts.Product.of(sum, dy, x, 1)));
                learner.accept(sum);
            }
        }
    }
}
