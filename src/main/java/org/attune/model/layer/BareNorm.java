package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.function.Function;

/// Norm of the last axis without a weight, statistics in float32, root-mean-square or centred:
/// ```
/// y = c · r,     r = 1 / √(mean(c²) + ε),     c = x or x − mean(x)
/// ```
/// [Zhang and Sennrich 2019, Eq. 4](https://arxiv.org/abs/1910.07467);
/// [Groeneveld et al. 2024, §2.1](https://arxiv.org/abs/2402.00838). Its statistic is `r`.
///
/// @param epsilon ε, keeps an all-zero row finite
/// @param centred whether the mean is subtracted first
record BareNorm(double epsilon, boolean centred) implements Norm {
    @Override
    public List<Weight> weights() {
        return List.of();
    }

    @Override
    public Tensor forward(Tensor x, Tensor out, Adapter adapter) {
        Tensor c = centre(x.to(DType.FLOAT32));
        Tensor r = factor(c);
        out.narrow(Tensor.LAST, 0, x.size(Tensor.LAST)).copyInPlace(c.mul(r));
        return r;
    }

    private Tensor centre(Tensor x32) {
        return centred ? x32.sub(x32.mean(Tensor.LAST, true)) : x32;
    }

    private Tensor factor(Tensor c) {
        return c.square().mean(Tensor.LAST, true).add(epsilon).rsqrt(); // (…, 1)
    }

    @Override
    public Tensor apply(Tensor x, Function<Weight, Tensor> values) {
        Tensor c = centre(x.to(DType.FLOAT32));
        return c.mul(factor(c)).to(x.dtype());
    }

    /// The gradient of [Norm#backward]:
    /// ```
    /// dx = r (dy − n · mean(dy n)),     n = c r,     less its mean if centred
    /// ```
    @Override
    public Tensor backward(Tensor dy, Tensor x, Tensor r, Adapter adapter) {
        Tensor n = centre(x.to(DType.FLOAT32)).mul(r); // (…, D)
        Tensor dy32 = dy.to(DType.FLOAT32); // (…, D)
        Tensor projection = dy32.mul(n).mean(Tensor.LAST, true); // (…, 1)
        return centre(dy32.sub(n.mul(projection)).mul(r)).to(x.dtype());
    }
}
