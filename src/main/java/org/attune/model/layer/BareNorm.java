package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.function.Function;

/// Root-mean-square norm of the last axis without a weight, statistics in float32:
/// ```
/// y = x · r,     r = 1 / √(mean(x²) + ε)
/// ```
/// [Zhang and Sennrich 2019, Eq. 4](https://arxiv.org/abs/1910.07467). Its statistic is `r`.
///
/// @param epsilon ε, keeps an all-zero row finite
record BareNorm(double epsilon) implements Norm {
    @Override
    public List<Weight> weights() {
        return List.of();
    }

    @Override
    public Tensor forward(Tensor x, Tensor out, Adapter adapter) {
        Tensor x32 = x.to(DType.FLOAT32);
        Tensor r = factor(x32);
        out.narrow(Tensor.LAST, 0, x.size(Tensor.LAST)).copyInPlace(x32.mul(r));
        return r;
    }

    private Tensor factor(Tensor x32) {
        return x32.square().mean(Tensor.LAST, true).add(epsilon).rsqrt(); // (…, 1)
    }

    @Override
    public Tensor apply(Tensor x, Function<Weight, Tensor> values) {
        Tensor x32 = x.to(DType.FLOAT32);
        return x32.mul(factor(x32)).to(x.dtype());
    }

    /// The gradient of [Norm#backward]:
    /// ```
    /// dx = r (dy − n · mean(dy n)),     n = x r
    /// ```
    @Override
    public Tensor backward(Tensor dy, Tensor x, Tensor r, Adapter adapter) {
        Tensor n = x.to(DType.FLOAT32).mul(r); // (…, D)
        Tensor dy32 = dy.to(DType.FLOAT32); // (…, D)
        Tensor projection = dy32.mul(n).mean(Tensor.LAST, true); // (…, 1)
        return dy32.sub(n.mul(projection)).mul(r).to(x.dtype());
    }
}
