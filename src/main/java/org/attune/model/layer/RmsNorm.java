package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.VectorKernels;

/// Root-mean-square norm of the last axis, statistics in float32:
/// ```
/// y = x · r · w,     r = 1 / √(mean(x²) + ε)
/// ```
/// [Zhang and Sennrich 2019, Eq. 4](https://arxiv.org/abs/1910.07467).
public final class RmsNorm {
    private final Weight weight;
    private final double epsilon;

    /// @param weight `(D)`
    /// @param epsilon ε, keeps an all-zero row finite
    RmsNorm(Weight weight, double epsilon) {
        this.weight = weight;
        this.epsilon = epsilon;
    }

    public Weight weight() {
        return weight;
    }

    /// Writes the norm of `x` to the first columns of `out` and returns `r`, float32 `(…, 1)`.
    public Tensor forward(Tensor x, Tensor out, Adapter adapter) {
        if (hasKernel(x)) {
            return VectorKernels.rmsNorm(x, weight.value(adapter), epsilon, out);
        }
        Tensor x32 = x.to(DType.FLOAT32);
        Tensor r = x32.mul(x32).mean(Tensor.LAST, true).add(epsilon).rsqrt(); // (…, 1)
        // Rounded between the two products, as transformers does.
        long width = x.size(Tensor.LAST);
        Tensor first = out.size(Tensor.LAST) == width ? out : out.narrow(Tensor.LAST, 0, width);
        Kernels.mul(x32.mul(r).to(x.dtype()), weight.value(adapter), first);
        return r;
    }

    private static boolean hasKernel(Tensor x) {
        return x.dim() == 2
                && VectorKernels.serve(x.device(), x.dtype(), Math.toIntExact(x.size(1)));
    }

    /// The same as an ordinary expression, for autograd.
    public Tensor apply(Tensor x, Tensor w) {
        Tensor x32 = x.to(DType.FLOAT32);
        Tensor r = x32.mul(x32).mean(Tensor.LAST, true).add(epsilon).rsqrt(); // (…, 1)
        return x32.mul(r).to(x.dtype()).mul(w);
    }

    /// The gradient of `x`:
    /// ```
    /// dx = r (g − n · mean(g n)),     g = dy w,  n = x r
    /// ```
    public Tensor backward(Tensor dy, Tensor x, Tensor r, Adapter adapter) {
        Tensor n = x.to(DType.FLOAT32).mul(r); // (…, D)
        Tensor dy32 = dy.to(DType.FLOAT32); // (…, D)
        learnNormed(dy32, n, x.dtype(), adapter);
        Tensor g = dy32.mul(weight.value(adapter)); // (…, D)
        Tensor projection = g.mul(n).mean(Tensor.LAST, true); // (…, 1)
        return g.subInPlace(n.mulInPlace(projection)).mulInPlace(r).to(x.dtype());
    }

    /// The gradient of `x` plus that of a residual beside it, `(N, D)`.
    public Tensor backward(Tensor dy, Tensor x, Tensor r, Tensor residual, Adapter adapter) {
        if (!hasKernel(x)) {
            return backward(dy, x, r, adapter).addInPlace(residual);
        }
        learn(dy, x, r, adapter);
        return VectorKernels.rmsNormBackward(dy, x, r, weight.value(adapter), residual);
    }

    /// Adds to the weight's gradient, if it is trained. Shapes as of [#backward].
    public void learn(Tensor dy, Tensor x, Tensor r, Adapter adapter) {
        if (weight.gradient(adapter) != null) {
            Tensor n = x.to(DType.FLOAT32).mul(r); // (…, D)
            learnNormed(dy.to(DType.FLOAT32), n, x.dtype(), adapter);
        }
    }

    private void learnNormed(Tensor dy32, Tensor n, DType dtype, Adapter adapter) {
        Tensor gradient = weight.gradient(adapter);
        if (gradient != null) {
            Tensor dw = dy32.mul(n.to(dtype));
            Gradients.addRows(gradient, dw.reshape(-1, dw.size(Tensor.LAST)));
        }
    }
}
