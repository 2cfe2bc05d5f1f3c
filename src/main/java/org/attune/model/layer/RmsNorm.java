package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.VectorKernels;

import java.util.List;
import java.util.function.Function;

/// Root-mean-square norm of the last axis, statistics in float32:
/// ```
/// y = x · r · (o + w),     r = 1 / √(mean(x²) + ε)
/// ```
/// [Zhang and Sennrich 2019, Eq. 4](https://arxiv.org/abs/1910.07467), where the offset `o` is 0.
/// In Gemma's norms it is 1. Its statistic is `r`.
public final class RmsNorm implements Norm {
    private final Weight weight;
    private final double epsilon;
    private final double offset;

    /// @param weight `w`, `(D)`
    /// @param epsilon ε, keeps an all-zero row finite
    /// @param offset `o`
    RmsNorm(Weight weight, double epsilon, double offset) {
        this.weight = weight;
        this.epsilon = epsilon;
        this.offset = offset;
    }

    public Weight weight() {
        return weight;
    }

    /// `ε`.
    double epsilon() {
        return epsilon;
    }

    @Override
    public List<Weight> weights() {
        return List.of(weight);
    }

    /// Whether the weight itself is multiplied by, which is what kernels compute.
    boolean isPlain() {
        return offset == 0;
    }

    @Override
    public Tensor forward(Tensor x, Tensor out, Adapter adapter) {
        if (hasKernel(x)) {
            return VectorKernels.rmsNorm(x, weight.value(adapter), epsilon, offset, out);
        }
        if (hasDeviceKernel(x, out)) {
            return DeviceKernels.rmsNorm(x, weight.value(adapter), epsilon, out);
        }
        Tensor x32 = x.to(DType.FLOAT32);
        Tensor r = x32.mul(x32).mean(Tensor.LAST, true).add(epsilon).rsqrt(); // (…, 1)
        long width = x.size(Tensor.LAST);
        Tensor first = out.size(Tensor.LAST) == width ? out : out.narrow(Tensor.LAST, 0, width);
        if (!isPlain()) {
            first.copyInPlace(x32.mul(r).mul(factor(weight.value(adapter))));
            return r;
        }
        // Rounded between the two products, as transformers does.
        Kernels.mul(x32.mul(r).to(x.dtype()), weight.value(adapter), first);
        return r;
    }

    /// Adds to a matrix where it is, and norms the sum's rows, by a kernel for GPUs.
    ///
    /// @param x `(N, D)`, changed
    /// @param added `(N, D)`, or null: nothing
    /// @param out its first `D` columns are written
    /// @throws IllegalStateException if the norm has an offset, which kernels don't know
    public void addForward(Tensor x, Tensor added, Tensor out, Adapter adapter) {
        if (!isPlain()) {
            throw new IllegalStateException("kernels know no norm with an offset of " + offset);
        }
        DeviceKernels.addNorm(x, added, weight.value(adapter), epsilon, out);
    }

    private Tensor factor(Tensor w) {
        return isPlain() ? w : w.to(DType.FLOAT32).add(offset);
    }

    private boolean hasKernel(Tensor x) {
        return x.dim() == 2
                && VectorKernels.serve(x.device(), x.dtype(), Math.toIntExact(x.size(1)));
    }

    private boolean hasDeviceKernel(Tensor x, Tensor... others) {
        return isPlain()
                && x.dim() == 2
                && DeviceKernels.serve(Math.toIntExact(x.size(1)), x)
                && DeviceKernels.serve(Math.toIntExact(x.size(1)), others);
    }

    @Override
    public Tensor apply(Tensor x, Function<Weight, Tensor> values) {
        Tensor w = values.apply(weight);
        Tensor x32 = x.to(DType.FLOAT32);
        Tensor r = x32.mul(x32).mean(Tensor.LAST, true).add(epsilon).rsqrt(); // (…, 1)
        return isPlain()
                ? x32.mul(r).to(x.dtype()).mul(w)
                : x32.mul(r).mul(factor(w)).to(x.dtype());
    }

    /// The gradient of [Norm#backward]:
    /// ```
    /// dx = r (g − n · mean(g n)),     g = dy (o + w),  n = x r
    /// ```
    @Override
    public Tensor backward(Tensor dy, Tensor x, Tensor r, Adapter adapter) {
        Tensor n = x.to(DType.FLOAT32).mul(r); // (…, D)
        Tensor dy32 = dy.to(DType.FLOAT32); // (…, D)
        learnNormed(dy32, n, x.dtype(), adapter);
        Tensor g = dy32.mul(factor(weight.value(adapter))); // (…, D)
        Tensor projection = g.mul(n).mean(Tensor.LAST, true); // (…, 1)
        return g.subInPlace(n.mulInPlace(projection)).mulInPlace(r).to(x.dtype());
    }

    @Override
    public Tensor backward(Tensor dy, Tensor x, Tensor r, Tensor residual, Adapter adapter) {
        if (hasKernel(x)) {
            learn(dy, x, r, adapter);
            return VectorKernels.rmsNormBackward(dy, x, r, weight.value(adapter), offset, residual);
        }
        boolean onDevice =
                residual != null
                        && hasDeviceKernel(x, dy, residual)
                        && x.isDense()
                        && residual.isDense();
        if (onDevice) {
            learn(dy, x, r, adapter);
            return DeviceKernels.rmsNormBackward(dy, x, r, weight.value(adapter), residual);
        }
        Tensor dx = backward(dy, x, r, adapter);
        return residual == null ? dx : dx.addInPlace(residual);
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
            Tensor dw = dy32.mul(isPlain() ? n.to(dtype) : n);
            Gradients.addRows(gradient, dw.reshape(-1, dw.size(Tensor.LAST)));
        }
    }
}
