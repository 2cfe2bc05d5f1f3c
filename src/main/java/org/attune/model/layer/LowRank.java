package org.attune.model.layer;

import org.attune.tensor.Kernels;
import org.attune.tensor.OuterProducts;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Optional;

/// One LoRA update of one projection, `y += s (x Aᵀ) Bᵀ`. `A` and `B` are compute copies.
///
/// @param part number of the projection inside its [FusedLinear]; 0 for the output layer. `B` may
///     have the rows of the next ones too
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
        Tensor gradientB)
        implements LayerUpdate {

    /// True of a constant part of an adapter, which has no dropout and learns nothing, and of a
    /// frozen adapter.
    boolean isConstant() {
        return gradientA == null;
    }

    /// The rows of a product of all layers that it changes.
    ///
    /// @param y `(N, all)`
    /// @return a view `(N, out)`
    Tensor rows(Tensor y, FusedLinear layer) {
        return y.narrow(1, layer.parts().get(part).firstRow(), b.size(0));
    }

    /// The part that concerns one of the layers, or empty.
    Optional<Range> rowsOf(FusedLinear layer, int number) {
        int first = layer.parts().get(part).firstRow();
        FusedLinear.Part p = layer.parts().get(number);
        long start = (long) p.firstRow() - first;
        return start < 0 || start >= b.size(0)
                ? Optional.empty()
                : Optional.of(new Range(start, p.out()));
    }

    /// Rows of `B`.
    record Range(long first, long count) {}

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

    private void learnA(Tensor du, Tensor x, double scale) {
        if (gradientA != null) {
            OuterProducts.add(List.of(OuterProducts.Product.of(gradientA, du, x, scale)));
        }
    }

    /// What the gradient of `A` is added to.
    ///
    /// @param first of its rows in `duᵀ x`
    /// @return empty if it is frozen
    Optional<OuterProducts.Target> targetA(int first) {
        return Optional.ofNullable(gradientA)
                .map(sum -> new OuterProducts.Target(sum, scaling, first));
    }

    /// What is added to the gradient of `A` where the input had dropout.
    ///
    /// @param du gradient of `u`, `(N, rank)`
    /// @param x `(N, in)`
    /// @param mask of `x`
    /// @return empty if it is frozen
    Optional<OuterProducts.Product> productA(Tensor du, Tensor x, Dropout.Mask mask) {
        return Optional.ofNullable(gradientA)
                .map(sum -> new OuterProducts.Target(sum, scaling * mask.scale(), 0))
                .map(target -> new OuterProducts.Product(du, x, List.of(target), mask.kept()));
    }

    /// What is added to the gradient of `B`.
    ///
    /// @param dy gradient of `y`, `(N, out)`
    /// @param u what [#reduce] wrote
    /// @return empty if it is frozen
    Optional<OuterProducts.Product> productB(Tensor dy, Tensor u) {
        return Optional.ofNullable(gradientB) // transposed: `u` has few columns
                .map(sum -> OuterProducts.Product.of(sum.t(), u, dy, 1));
    }
}
