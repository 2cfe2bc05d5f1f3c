package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// Norm of mean and variance of the last axis, statistics in float32:
/// ```
/// y = n (o + w) + b,     n = (x − μ) r,     r = 1 / √(mean((x − μ)²) + ε)
/// ```
/// [Ba et al. 2016, Eq. 4](https://arxiv.org/abs/1607.06450), where the offset `o` is 0 and there
/// is a bias `b`. Its statistics are `μ`, then `r`. The weight of heads may have a row for each.
final class LayerNorm implements Norm {
    private final Weight weight;
    private final Optional<Weight> bias;
    private final double epsilon;
    private final double offset;

    /// @param weight `w`, `(D)`, or `(H, D)` of `H` heads
    /// @param bias `b`, of the shape of the weight
    /// @param epsilon ε, keeps a constant row finite
    /// @param offset `o`
    LayerNorm(Weight weight, Optional<Weight> bias, double epsilon, double offset) {
        this.weight = weight;
        this.bias = bias;
        this.epsilon = epsilon;
        this.offset = offset;
    }

    @Override
    public List<Weight> weights() {
        return bias.map(b -> List.of(weight, b)).orElse(List.of(weight));
    }

    @Override
    public Tensor forward(Tensor x, Tensor out, Adapter adapter) {
        Tensor x32 = x.to(DType.FLOAT32);
        Tensor mean = x32.mean(Tensor.LAST, true); // (…, 1)
        Tensor r = x32.sub(mean).square().mean(Tensor.LAST, true).add(epsilon).rsqrt(); // (…, 1)
        Tensor statistics = Tensor.cat(x.dim() - 1, mean, r); // (…, 2)
        Tensor n = normed(x, statistics); // (…, D)
        Tensor scaled = n.mul(factor(weight.value(adapter)));
        Tensor y = bias.map(b -> scaled.add(b.value(adapter))).orElse(scaled);
        out.narrow(Tensor.LAST, 0, x.size(Tensor.LAST)).copyInPlace(y);
        return statistics;
    }

    private Tensor factor(Tensor w) {
        return offset == 0 ? w : w.to(DType.FLOAT32).add(offset);
    }

    private static Tensor normed(Tensor x, Tensor statistics) {
        Tensor mean = statistics.narrow(Tensor.LAST, 0, 1);
        Tensor r = statistics.narrow(Tensor.LAST, 1, 1);
        return x.to(DType.FLOAT32).sub(mean).mul(r);
    }

    @Override
    public Tensor apply(Tensor x, Function<Weight, Tensor> values) {
        Tensor x32 = x.to(DType.FLOAT32);
        Tensor centred = x32.sub(x32.mean(Tensor.LAST, true)); // (…, D)
        Tensor r = centred.square().mean(Tensor.LAST, true).add(epsilon).rsqrt(); // (…, 1)
        Tensor scaled = centred.mul(r).mul(factor(values.apply(weight)));
        return bias.map(b -> scaled.add(values.apply(b))).orElse(scaled).to(x.dtype());
    }

    /// The gradient of [Norm#backward]:
    /// ```
    /// dx = r (g − mean(g) − n · mean(g n)),     g = dy (o + w)
    /// ```
    @Override
    public Tensor backward(Tensor dy, Tensor x, Tensor statistics, Adapter adapter) {
        Tensor n = normed(x, statistics); // (…, D)
        Tensor dy32 = dy.to(DType.FLOAT32); // (…, D)
        learn(weight.gradient(adapter), dy32.mul(n));
        bias.ifPresent(b -> learn(b.gradient(adapter), dy32));
        Tensor g = dy32.mul(factor(weight.value(adapter))); // (…, D)
        Tensor mean = g.mean(Tensor.LAST, true); // (…, 1)
        Tensor projection = g.mul(n).mean(Tensor.LAST, true); // (…, 1)
        Tensor r = statistics.narrow(Tensor.LAST, 1, 1); // (…, 1)
        return g.sub(mean).subInPlace(n.mul(projection)).mulInPlace(r).to(x.dtype());
    }

    private static void learn(Tensor gradient, Tensor rows) {
        if (gradient != null) {
            Gradients.addRows(gradient.reshape(-1), rows.reshape(-1, gradient.size()));
        }
    }
}
