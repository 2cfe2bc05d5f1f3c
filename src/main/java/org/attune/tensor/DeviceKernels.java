package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.kernel.Launch;
import org.attune.tensor.vector.AdamWKernel;
import org.attune.tensor.vector.KeptNumbers;
import org.attune.tensor.vector.VocabularyKernel;

import java.util.Arrays;

/// Attune's own kernels for GPUs, of bfloat16 numbers; untried on real ones. Where [#serve] says
/// no, operators compute.
///
/// Rows of a matrix may be apart; they begin at, and their widths are, multiples of 8 numbers.
public final class DeviceKernels {
    /// Numbers that a thread loads at once.
    private static final int TOGETHER = 8;

    /// Bytes that a thread loads at once.
    private static final int ALIGNED = TOGETHER * Short.BYTES;

    private static final int WARP = 32;
    private static final int THREADS = 256;
    private static final int MOST_BLOCKS = 4096;

    /// Tokens of the largest vocabulary that is drawn from.
    private static final int LARGEST_VOCABULARY = 1 << 20;

    private DeviceKernels() {}

    /// Whether a device has them for numbers of a type.
    public static boolean serve(Device device, DType dtype) {
        return dtype == DType.BFLOAT16 && device.kernels().isPresent();
    }

    /// Whether they take rows of so many numbers.
    public static boolean servesWidth(int width) {
        return width % TOGETHER == 0;
    }

    /// Whether they take these matrices' rows and vectors, of so many numbers each.
    public static boolean serve(int width, Tensor... matrices) {
        if (!servesWidth(width) || !serve(matrices[0].device(), matrices[0].dtype())) {
            return false;
        }
        for (Tensor x : matrices) {
            if (!hasRows(x)) {
                return false;
            }
        }
        return true;
    }

    private static void require(int width, Tensor... matrices) {
        if (!serve(width, matrices)) {
            throw new ShapeException(
                    "kernels don't take rows of %d numbers of %s"
                            .formatted(width, Arrays.toString(matrices)));
        }
    }

    private static boolean hasRows(Tensor x) {
        long[] strides = x.strides();
        return strides[x.dim() - 1] == 1
                && (x.dim() == 1 || x.dim() == 2 && strides[0] % TOGETHER == 0)
                && Libtorch.dataPointer(x.handle()) % ALIGNED == 0;
    }

    /// Numbers from a row to the next with which [#serve] takes rows of any width; the width where
    /// there are no kernels.
    public static long stride(Device device, DType dtype, long width) {
        return serve(device, dtype) ? (width + TOGETHER - 1) / TOGETHER * TOGETHER : width;
    }

    /// A matrix with rows of that [#stride].
    ///
    /// @return `(rows, width)`, not initialised
    public static Tensor rows(Device device, DType dtype, long rows, long width) {
        long stride = stride(device, dtype, width);
        Tensor all = Tensor.empty(device, dtype, rows, stride);
        return stride == width ? all : all.narrow(1, 0, width);
    }

    /// RMS norm of rows.
    ///
    /// @param x `(N, D)`
    /// @param out its first `D` columns are written
    /// @return statistics, float32 `(N, 1)`
    public static Tensor rmsNorm(Tensor x, Tensor weight, double epsilon, Tensor out) {
        Tensor r = Tensor.empty(x.device(), DType.FLOAT32, x.size(0), 1);
        norm(x, null, weight, epsilon, out, r);
        return r;
    }

    /// Adds to a matrix where it is, and norms the sum's rows.
    ///
    /// @param x `(N, D)`, dense; changed
    /// @param added `(N, D)`, dense; null: nothing
    /// @param out its first `D` columns are written
    public static void addNorm(Tensor x, Tensor added, Tensor weight, double epsilon, Tensor out) {
        norm(x, added, weight, epsilon, out, null);
    }

    private static void norm(
            Tensor x, Tensor added, Tensor weight, double epsilon, Tensor out, Tensor r) {
        int width = Math.toIntExact(x.size(1));
        require(width, x, weight, out);
        new DeviceKernel("attune_add_norm")
                .with(x)
                .orNone(added)
                .with(weight)
                .with(x)
                .with(out)
                .orNone(r)
                .with(width)
                .with(x.stride(0))
                .with(out.stride(0))
                .with((float) epsilon)
                .launch(x.size(0), threads(width / TOGETHER));
    }

    /// RMS norms of rows' heads where they are: queries first, then keys.
    ///
    /// @param x `(N, …)`
    /// @param queryWeight `(K)`
    /// @param keyWeight `(K)`
    public static void headNorms(
            Tensor x,
            VectorKernels.RotatedHeads heads,
            Tensor queryWeight,
            Tensor keyWeight,
            double epsilon) {
        int each = heads.queries() + heads.keys();
        new DeviceKernel("attune_head_norm")
                .with(x)
                .with(queryWeight)
                .with(keyWeight)
                .with(heads.queries())
                .with(heads.keys())
                .with(heads.headDim())
                .with(x.stride(0))
                .with((float) epsilon)
                .launch(x.size(0) * each, threads(heads.headDim()));
    }

    /// Adds a bias to rows where they are.
    ///
    /// @param x `(N, M)`
    /// @param bias `(M)`
    public static void addBias(Tensor x, Tensor bias) {
        int width = Math.toIntExact(x.size(1));
        require(width, x, bias);
        new DeviceKernel("attune_add_bias")
                .with(x)
                .with(bias)
                .with(width)
                .with(x.stride(0))
                .with(x.size(0))
                .launch(blocks(x.size(0) * width / TOGETHER), THREADS);
    }

    /// The gradient of an RMS norm's input plus a residual, `(N, D)`.
    ///
    /// @param dy of the norm, `(N, D)`
    /// @param x its input, dense
    /// @param r what [#rmsNorm] gave
    /// @param residual added, dense
    public static Tensor rmsNormBackward(
            Tensor dy, Tensor x, Tensor r, Tensor weight, Tensor residual) {
        int width = Math.toIntExact(x.size(1));
        require(width, dy, x, weight, residual);
        Tensor dx = Tensor.empty(x.device(), x.dtype(), x.shape());
        new DeviceKernel("attune_norm_back")
                .with(dy)
                .with(x)
                .with(weight)
                .with(r)
                .with(residual)
                .with(dx)
                .with(width)
                .with(dy.stride(0))
                .with(x.stride(0))
                .launch(x.size(0), threads(width / TOGETHER));
        return dx;
    }

    /// Rotates heads as [VectorKernels#rotate] does.
    public static void rotate(
            Tensor x, VectorKernels.RotatedHeads heads, Tensor cos, Tensor sin, boolean back) {
        int middle = heads.rotary() / 2;
        new DeviceKernel("attune_rotate")
                .with(x)
                .with(cos)
                .with(sin)
                .with(heads.queries())
                .with(heads.keys())
                .with(heads.headDim())
                .with(heads.rotary())
                .with(x.stride(0))
                .with((float) heads.scale())
                .with(back ? 1 : 0)
                .launch(x.size(0), threads((heads.queries() + heads.keys()) * middle));
    }

    /// Where new tokens go in a cache of keys and values, and how they are rotated. Tensors are
    /// int32 `(N)`.
    ///
    /// @param slots of the tokens
    /// @param places in their slots
    /// @param angles rows of `cos` and `sin` that are theirs
    /// @param cos float32 `(…, rotary / 2)`
    /// @param sin likewise
    public record CachePlaces(Tensor slots, Tensor places, Tensor angles, Tensor cos, Tensor sin) {}

    /// Rotates new tokens' queries where they are, times their scale. Writes the tokens' rotated
    /// keys and their values into a cache.
    ///
    /// @param x `(N, …)`: in each row queries, keys, values; the keys stay as they are
    /// @param cache `(S · C · 2 · L, K)`, of each slot and head the keys, then the values
    /// @param capacity `L`
    public static void append(
            Tensor x,
            VectorKernels.RotatedHeads heads,
            CachePlaces at,
            Tensor cache,
            int capacity) {
        new DeviceKernel("attune_append")
                .with(x)
                .with(at.cos())
                .with(at.sin())
                .with(at.angles())
                .with(cache)
                .with(at.slots())
                .with(at.places())
                .with(heads.queries())
                .with(heads.keys())
                .with(heads.headDim())
                .with(heads.rotary())
                .with(capacity)
                .with(x.stride(0))
                .with((float) heads.scale())
                .launch(x.size(0), threads((heads.queries() + heads.keys()) * heads.headDim()));
    }

    /// The gated activation `silu(g) · u`.
    ///
    /// @param gateUp `(N, 2F)`, gates first
    /// @param out its first `F` columns are written
    public static void swiglu(Tensor gateUp, Tensor out) {
        int width = Math.toIntExact(gateUp.size(1) / 2);
        require(width, gateUp, out);
        new DeviceKernel("attune_swiglu")
                .with(gateUp)
                .with(out)
                .with(width)
                .with(gateUp.stride(0))
                .with(out.stride(0))
                .with(gateUp.size(0))
                .launch(blocks(gateUp.size(0) * width / TOGETHER), THREADS);
    }

    /// Replaces the input of [#swiglu] by its gradient.
    ///
    /// @param dOut gradient of the output, `(N, F)`
    /// @param gateUp changed, `(N, 2F)`
    public static void swigluBackward(Tensor dOut, Tensor gateUp) {
        int width = Math.toIntExact(gateUp.size(1) / 2);
        require(width, dOut, gateUp);
        new DeviceKernel("attune_swiglu_back")
                .with(dOut)
                .with(gateUp)
                .with(width)
                .with(dOut.stride(0))
                .with(gateUp.stride(0))
                .with(gateUp.size(0))
                .launch(blocks(gateUp.size(0) * width / TOGETHER), THREADS);
    }

    /// Whether [#dropout] takes the rows of a matrix.
    public static boolean servesDropout(Tensor x) {
        if (!serve(x.device(), x.dtype()) || x.dim() != 2) {
            return false;
        }
        long[] strides = x.strides();
        return x.size(1) % KeptNumbers.TOGETHER == 0
                && strides[0] % KeptNumbers.TOGETHER == 0
                && strides[1] == 1
                && Libtorch.dataPointer(x.handle()) % Long.BYTES == 0;
    }

    /// Drops numbers as [VectorKernels#dropout] does.
    public static void dropout(KeptNumbers kept, Tensor x, long firstRow, Tensor out) {
        int width = Math.toIntExact(x.size(1));
        new DeviceKernel("attune_dropout")
                .with(x)
                .with(out)
                .with(kept.stream())
                .with(kept.dropped())
                .with(width)
                .with(x.stride(0))
                .with(out.stride(0))
                .with(firstRow)
                .with(x.size(0))
                .launch(blocks(x.size(0) * width / KeptNumbers.TOGETHER), THREADS);
    }

    /// What is asked of rows of logits, as [VocabularyKernel] has it.
    ///
    /// @param temperature `T`, > 0
    /// @param smoothing `ε` of the labels, from 0 to 1
    /// @param scale factor of the gradients, `scale · (p − (1 − ε) e_target − ε/V)`; 0 asks for
    ///     none
    public record Asked(double temperature, double smoothing, double scale) {}

    /// Describes rows of logits, and replaces them by their gradients if they are asked for.
    ///
    /// @param z `(N, V)`
    /// @param targets a token of each row, int64 `(N, 1)`
    /// @param scales further factors of the rows' gradients, float32 `(N)`; null: none
    /// @return float32 `(N, 5)`, [VocabularyKernel#STATISTICS] of each row
    public static Tensor vocabulary(Tensor z, Tensor targets, Tensor scales, Asked asked) {
        int width = Math.toIntExact(z.size(1));
        require(width, z);
        Tensor statistics =
                Tensor.empty(z.device(), DType.FLOAT32, z.size(0), VocabularyKernel.STATISTICS);
        new DeviceKernel("attune_vocabulary")
                .with(z)
                .with(targets)
                .orNone(scales)
                .with(statistics)
                .with(width)
                .with(z.stride(0))
                .with((float) (1 / asked.temperature()))
                .with((float) asked.smoothing())
                .with((float) asked.scale())
                .launch(z.size(0), threads(width / TOGETHER));
        return statistics;
    }

    /// Whether [#draw] takes logits.
    public static boolean serveDraws(Tensor z) {
        return serve(z.device(), z.dtype()) && z.stride(1) == 1 && z.size(1) <= LARGEST_VOCABULARY;
    }

    /// Draws a token of each row of logits.
    ///
    /// @param z `(B, V)`
    /// @param uniforms a random number in [0, 1) for each row, float64 `(B, 1)`
    /// @param temperature 0 takes the first of the largest
    /// @return tokens and their log-probabilities at temperature 1, float64 `(B, 2)`; NaN where no
    ///     logit is finite, or one is NaN or infinite
    public static Tensor draw(Tensor z, Tensor uniforms, double temperature) {
        Tensor drawn = Tensor.empty(z.device(), DType.FLOAT64, z.size(0), 2);
        new DeviceKernel("attune_draw")
                .with(z)
                .with(uniforms)
                .with(drawn)
                .with(Math.toIntExact(z.size(1)))
                .with(z.stride(0))
                .with(temperature == 0 ? 0f : (float) (1 / temperature))
                .launch(z.size(0), Launch.MOST_THREADS);
        return drawn;
    }

    /// Whether a device has [#adamW].
    public static boolean serveUpdates(Device device) {
        return device.kernels().isPresent();
    }

    /// The Euclidean norm of gradients, and beside it the factor that brings it down to the
    /// largest.
    ///
    /// @param parts sums of squares, float32 `(n)`
    /// @param clipping written, float64 `(2)`; the factor isn't a number if the norm isn't finite
    /// @param largest norm that is left as it is; 0: any
    public static void clip(Tensor parts, Tensor clipping, double largest) {
        new DeviceKernel("attune_clip")
                .with(parts)
                .with(clipping)
                .with(Math.toIntExact(parts.size()))
                .with(Double.doubleToRawLongBits(largest))
                .launch(1, 1);
    }

    /// Updates parameters as [VectorKernels#adamW] does.
    ///
    /// @param clipping of [#clip], whose factor is taken instead of the kernel's; nothing changes
    ///     where it isn't a number; null: none
    public static void adamW(
            AdamWKernel kernel,
            Tensor values,
            Tensor gradients,
            Tensor first,
            Tensor second,
            Tensor clipping) {
        new DeviceKernel("attune_adamw")
                .with(values)
                .with(gradients)
                .with(first)
                .with(second)
                .orNone(clipping)
                .with(values.size())
                .with(kernel.decay())
                .with(kernel.gradientScale())
                .with(kernel.beta1())
                .with(kernel.rest1())
                .with(kernel.beta2())
                .with(kernel.rest2())
                .with(kernel.rootScale())
                .with(kernel.epsilon())
                .with(kernel.rate())
                .launch(blocks(values.size()), THREADS);
    }

    /// Whether [#accumulate] and [#copy] take a matrix of float32 numbers and one of bfloat16 ones.
    static boolean serveMatrices(Tensor exact, Tensor rounded) {
        return exact.dtype() == DType.FLOAT32
                && serve(rounded.device(), rounded.dtype())
                && exact.dim() == 2
                && Arrays.equals(exact.shape(), rounded.shape());
    }

    /// `sum += factor · x`, each operation rounded to float32.
    ///
    /// @param sum float32 `(N, M)`
    /// @param x bfloat16 `(N, M)`
    static void accumulate(Tensor sum, Tensor x, double factor) {
        matrices("attune_accumulate", sum, x, factor);
    }

    /// `to = factor · from`.
    ///
    /// @param from float32 `(N, M)`
    /// @param to bfloat16 `(N, M)`
    static void copy(Tensor from, Tensor to, double factor) {
        matrices("attune_copy", from, to, factor);
    }

    private static void matrices(String kernel, Tensor a, Tensor b, double factor) {
        new DeviceKernel(kernel)
                .with(a)
                .with(b)
                .with(a.size(0))
                .with(Math.toIntExact(a.size(1)))
                .with(a.stride(0))
                .with(a.stride(1))
                .with(b.stride(0))
                .with(b.stride(1))
                .with((float) factor)
                .launch(blocks(a.size()), THREADS);
    }

    /// Threads of a block for so many pieces of work: whole warps.
    private static int threads(int work) {
        return Math.clamp((work + WARP - 1L) / WARP * WARP, WARP, 2 * THREADS);
    }

    private static long blocks(long work) {
        return Math.clamp((work + THREADS - 1) / THREADS, work == 0 ? 0 : 1, MOST_BLOCKS);
    }
}
