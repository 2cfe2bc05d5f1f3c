package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.List;

/// A residual with a learned matrix of low rank beside what mixes tokens, LAuReL
/// ([Menghani et al. 2024](https://arxiv.org/abs/2411.07501)):
/// ```
/// x' = (x + a + h + norm(B A h)) / √2
/// ```
/// `h` is what the mixers read and `a` what they put out, both normed. `N` rows, `D` model width.
///
/// @param left `A`, `(R, D)`
/// @param right `B`, `(D, R)`
/// @param norm of the product
record LearnedResidual(FusedLinear left, FusedLinear right, Norm norm) {
    private static final double HALF_ROOT = Math.sqrt(0.5);

    /// `x'`, `(N, D)`.
    ///
    /// @param sum `x + a`, `(N, D)`
    /// @param h `(N, D)`
    Tensor joined(Tensor sum, Tensor h, Expression e) {
        Tensor learned = norm.apply(e.of(right, e.of(left, h)), e::value);
        return sum.add(h.add(learned)).mul(HALF_ROOT);
    }

    /// Bytes of what it makes of a row with autograd, at most.
    ///
    /// @param number bytes of one in the compute dtype
    long expressionBytes(long number) {
        return number * (left.out() + 5L * right.out());
    }

    List<FusedLinear> linears() {
        return List.of(left, right);
    }
}
