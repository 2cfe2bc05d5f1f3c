package org.attune.model;

import org.attune.tensor.Kernels;
import org.attune.tensor.Sums;
import org.attune.tensor.Tensor;

/// One LoRA update of one projection, `y += s (x Aᵀ) Bᵀ`. `A` and `B` are compute copies.
///
/// @param part number of the projection inside its [FusedLinear]; 0 for the output layer
/// @param rank columns of `B`
/// @param scaling `s`
/// @param scaledA `s · A`, `(rank, in)`
/// @param b `B`, `(out, rank)`
/// @param gradientA float32 `(rank, in)` that backward passes add to, or null if frozen
/// @param gradientB float32 `(out, rank)` likewise
public record LowRank(
        int part,
        int rank,
        double scaling,
        Tensor scaledA,
        Tensor b,
        Tensor gradientA,
        Tensor gradientB) {

    /// Writes `u = s · dropout(x) Aᵀ`.
    ///
    /// @param x `(N, in)`
    /// @param mask of `x`
    /// @param u `(N, rank)`
    void reduce(Tensor x, Dropout.Mask mask, Tensor u) {
        if (mask.dropsNothing()) {
            Kernels.mm(x, scaledA.t(), u);
        } else {
            Kernels.addmm(u, mask.of(x), scaledA.t(), 0, mask.scale());
        }
    }

    /// Back through [#reduce]: adds to the gradients of `A` and of `x`.
    ///
    /// @param du gradient of `u`, `(N, rank)`
    /// @param dx `(N, in)`
    void reduceBackward(Tensor du, Tensor x, Dropout.Mask mask, Tensor dx) {
        if (mask.dropsNothing()) {
            Kernels.addmm(dx, du, scaledA, 1, 1);
            learnA(du, x, scaling);
            return;
        }
        Tensor kept = mask.of(x); // (N, in)
        learnA(du, kept, scaling * mask.scale());
        Kernels.addmm(kept, du, scaledA, 0, mask.scale());
        dx.addInPlace(mask.inPlace(kept));
    }

    /// Adds to the gradient of `A`.
    ///
    /// @param product `duᵀ x`, `(rank, in)`
    void learnA(Tensor product) {
        if (gradientA != null) {
            Sums.add(gradientA, product, scaling);
        }
    }

    private void learnA(Tensor du, Tensor x, double scale) {
        if (gradientA != null) {
            Gradients.addProduct(gradientA, du.t(), x, scale);
        }
    }

    /// Adds to the gradient of `B`.
    ///
    /// @param dy gradient of `y`, `(N, out)`
    /// @param u what [#reduce] wrote
    void learnB(Tensor dy, Tensor u) {
        if (gradientB != null) {
            // Transposed, it takes a quarter of the time in some shapes, and never more.
            Gradients.addProduct(gradientB.t(), u.t(), dy, 1);
        }
    }
}
