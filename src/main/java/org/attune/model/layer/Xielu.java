package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.List;

/// `down(f(up))` with an activation that learns, xIELU ([Huang and Schlag
/// 2024](https://arxiv.org/abs/2411.13010)). Computed in float32.
/// ```
/// f(x) = softplus(a) x² + β x                                     x > 0
///        (β + softplus(b)) (exp(min(x, ε)) − 1 − x) + β x         x ≤ 0
/// ```
///
/// @param up projection into it, `(F, D)`
/// @param down projection out of it, `(D, F)`
/// @param positive `a`, one number
/// @param negative `b`, one number
/// @param slope `β`, one number, which nothing trains
/// @param bound `ε`, one number below 0, which nothing trains
record Xielu(
        FusedLinear up,
        FusedLinear down,
        Weight positive,
        Weight negative,
        Weight slope,
        Weight bound)
        implements FeedForward {
    @Override
    public Tensor apply(Tensor x, Expression expression) {
        Tensor y = expression.of(up, x);
        Tensor a = expression.value(positive).to(DType.FLOAT32);
        Tensor b = expression.value(negative).to(DType.FLOAT32);
        return expression.of(
                down,
                activated(y.to(DType.FLOAT32), a, b, slope.base(), bound.base()).to(y.dtype()));
    }

    /// @param x float32 `(N, F)`
    /// @param a float32 `(1)`
    /// @param b float32 `(1)`
    /// @param beta float32, one number
    /// @param bound float32, one number
    /// @return float32 `(N, F)`
    static Tensor activated(Tensor x, Tensor a, Tensor b, Tensor beta, Tensor bound) {
        Tensor above = x.relu(); // max(x, 0)
        Tensor below = x.sub(above); // min(x, 0)
        Tensor least = below.sub(below.sub(bound).relu()); // min(x, ε) where x ≤ 0
        Tensor curve = expm1(least).sub(below);
        // Above 0 it would be exp(ε) − 1.
        Tensor bent = curve.mul(isAtMostZero(x)).mul(beta.add(Softplus.of(b)));
        return above.square().mul(Softplus.of(a)).add(bent).add(x.mul(beta));
    }

    /// `tanh(x / 2) (exp(x) + 1)`: exact near 0.
    private static Tensor expm1(Tensor x) {
        return x.mul(0.5).tanh().mul(x.exp().add(1));
    }

    /// 1 where `x ≤ 0`, else 0; without a gradient.
    private static Tensor isAtMostZero(Tensor x) {
        return x.detach().relu().mul(Float.MAX_VALUE).neg().add(1).relu();
    }

    @Override
    public long expressionBytes(long number) {
        return number * (3L * up.out() + 2L * down.out()) + 14L * Float.BYTES * up.out();
    }

    @Override
    public List<FusedLinear> linears() {
        return List.of(up, down);
    }

    @Override
    public List<Weight> others() {
        return List.of(positive, negative);
    }

    @Override
    public List<Weight> buffers() {
        return List.of(slope, bound);
    }
}
