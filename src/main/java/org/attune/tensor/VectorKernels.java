package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.AdamWKernel;
import org.attune.tensor.vector.AttentionKernel;
import org.attune.tensor.vector.CacheRows;
import org.attune.tensor.vector.DecodeKernel;
import org.attune.tensor.vector.DropoutKernel;
import org.attune.tensor.vector.HeadNormKernel;
import org.attune.tensor.vector.KeptNumbers;
import org.attune.tensor.vector.KernelThreads;
import org.attune.tensor.vector.NormKernel;
import org.attune.tensor.vector.RotaryKernel;
import org.attune.tensor.vector.Rows;
import org.attune.tensor.vector.SamplingKernel;
import org.attune.tensor.vector.SharedBeginnings;
import org.attune.tensor.vector.SwigluKernel;
import org.attune.tensor.vector.VectorModule;
import org.attune.tensor.vector.VocabularyKernel;
import org.attune.tensor.vector.WarmUp;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.LongConsumer;

/// Kernels of our own over the memory of tensors on the CPU, in vectors of the Java Vector API.
/// They read and write each number once, where a chain of operators makes a pass for each. They
/// need the module `jdk.incubator.vector` ([VectorModule]); without it, and on other devices,
/// operators do the work.
public final class VectorKernels {
    private static final boolean AVAILABLE =
            !"off".equals(System.getProperty("attune.vectors")) && VectorModule.load();

    /// Below as many numbers the work is done by one thread. Between two matrix products, which
    /// leave nothing of all this in the processor's cache, sharing a loop takes about 30
    /// microseconds: GNU OpenMP, the call back into Java, and numbers that the other core wrote.
    private static final long WORTH_SHARING = 1L << 17;

    /// Below as many multiplications the work is done by one thread.
    static final long PRODUCTS_WORTH_SHARING = 1L << 21;

    /// Below as many numbers of cached keys the work is done by one thread.
    private static final long KEYS_WORTH_SHARING = 1L << 16;

    /// Bytes that kernels may use without asking for memory: half of a processor's own cache.
    private static final long LITTLE = 1 << 19;

    private static final long CACHE_LINE = 64;
    private static final String WARM_UP = "attune-warm-up";

    private static final MemorySegment WORKBENCH = Arena.global().allocate(LITTLE, CACHE_LINE);

    private VectorKernels() {}

    /// Asked for at the first use, when libtorch is loaded.
    private static final class Tiles {
        static final boolean AVAILABLE =
                AttentionKernel.hasTiles()
                        && Engine.hasFastBfloat16()
                        && !"off".equals(System.getProperty("attune.tiles"));
    }

    /// Whether the module is there, and not switched off with `-Dattune.vectors=off`.
    public static boolean isAvailable() {
        return AVAILABLE;
    }

    /// Begins to compile the kernels, for the dtype that models will have by default.
    ///
    /// @param generates whether tokens will be sampled
    static void warmUp(boolean generates) {
        if (AVAILABLE) {
            boolean half = Engine.hasFastBfloat16();
            SideWork.start(WARM_UP, () -> WarmUp.run(half, generates));
        }
    }

    /// Begins to compile the kernels of attention, when libtorch is loaded, which may have products
    /// for it.
    static void warmUpAttention() {
        if (AVAILABLE) {
            boolean half = Engine.hasFastBfloat16();
            boolean tiles = Tiles.AVAILABLE;
            SideWork.start(WARM_UP, () -> WarmUp.runAttention(half, tiles));
        }
    }

    /// Whether kernels take rows of numbers of this kind. On the engine thread.
    ///
    /// @param widths lengths of what is handled in one piece
    public static boolean serve(Device device, DType dtype, int... widths) {
        boolean hasThreads = KernelThreads.hasThreads() || !AVAILABLE || Engine.threads() == 1;
        return device.equals(Device.cpu())
                && hasThreads // else operators would share the work
                && fit(dtype, widths);
    }

    /// Whether kernels can take rows of numbers of this kind, if they are on a processor.
    ///
    /// @param widths as in [#serve]
    public static boolean fit(DType dtype, int... widths) {
        if (!AVAILABLE || dtype != DType.BFLOAT16 && dtype != DType.FLOAT32) {
            return false;
        }
        for (int width : widths) {
            if (!Rows.areWhole(width)) {
                return false;
            }
        }
        return true;
    }

    /// Whether attention's products take bfloat16 numbers, tile by tile, where [#serve] says that
    /// kernels do it at all; without, they are float32, and slower. `-Dattune.tiles=off` switches
    /// them off. The engine must have started.
    public static boolean hasTiles(DType dtype) {
        return dtype == DType.BFLOAT16 && Tiles.AVAILABLE;
    }

    /// RMS norm of rows.
    ///
    /// @param x `(N, D)`, rows dense
    /// @param weight `(D)`, of the same dtype
    /// @param offset added to weights
    /// @param out written, `(N, D)`, rows dense
    /// @return `r`, float32 `(N, 1)`
    public static Tensor rmsNorm(
            Tensor x, Tensor weight, double epsilon, double offset, Tensor out) {
        long begun = OperatorTimes.begin();
        int n = Math.toIntExact(x.size(0));
        Tensor r = Tensor.empty(x.device(), DType.FLOAT32, n, 1);
        new NormKernel((int) x.size(1), epsilon, offset, address(weight))
                .forward(rows(x), rows(out), address(r), n, threads(x));
        OperatorTimes.end("attune::rms_norm", begun);
        return r;
    }

    /// The gradient of an RMS norm's input plus a residual, `(N, D)`.
    ///
    /// @param r what [#rmsNorm] gave
    /// @param offset added to weights
    /// @param residual added, `(N, D)`; null: nothing
    public static Tensor rmsNormBackward(
            Tensor dy, Tensor x, Tensor r, Tensor weight, double offset, Tensor residual) {
        long begun = OperatorTimes.begin();
        int n = Math.toIntExact(x.size(0));
        Tensor dx = Tensor.empty(x.device(), x.dtype(), x.shape());
        new NormKernel((int) x.size(1), 0, offset, address(weight))
                .backward(
                        rows(dy),
                        rows(x),
                        address(r),
                        residual == null ? null : rows(residual),
                        rows(dx),
                        n,
                        threads(x));
        OperatorTimes.end("attune::rms_norm_backward", begun);
        return dx;
    }

    /// Norms by head of queries and keys that stand side by side in rows.
    ///
    /// @param queries heads of queries
    /// @param keys heads of keys behind them
    /// @param query weights of the queries' norm, `(K)`, of the rows' dtype
    /// @param key likewise
    /// @param offset added to weights
    public record HeadNorms(
            int queries, int keys, Tensor query, Tensor key, double epsilon, double offset) {
        private HeadNormKernel kernel() {
            int size = Math.toIntExact(query.size(0));
            return new HeadNormKernel(
                    queries, keys, size, epsilon, offset, address(query), address(key));
        }

        /// Norms the heads where they are.
        ///
        /// @param y `(N, …)`, the heads first in each row; changed
        /// @param before `(N, (queries + keys) K)`, written: the heads as they were; or null
        /// @return statistics, float32 `(N, queries + keys, 1)`
        public Tensor forward(Tensor y, Tensor before) {
            long begun = OperatorTimes.begin();
            int n = Math.toIntExact(y.size(0));
            Tensor r = Tensor.empty(y.device(), DType.FLOAT32, n, (long) queries + keys, 1);
            Rows copy = before == null ? null : rows(before);
            kernel().forward(rows(y), copy, address(r), n, threads(y));
            OperatorTimes.end("attune::head_norms", begun);
            return r;
        }

        /// Replaces the gradients of normed heads by those of the heads.
        ///
        /// @param dy `(N, …)`, changed
        /// @param before what [#forward] wrote
        /// @param r what it gave
        public void backward(Tensor dy, Tensor before, Tensor r) {
            int n = Math.toIntExact(dy.size(0));
            HeadNormKernel kernel = kernel();
            withMemory(
                    "attune::head_norms_backward",
                    kernel.workBytes(),
                    memory ->
                            kernel.backward(
                                    rows(dy), rows(before), address(r), n, memory, threads(dy)));
        }
    }

    /// The gated activation `f(g) · u`.
    ///
    /// @param gelu whether `f` is GELU by a hyperbolic tangent, and not SiLU
    /// @param gateUp `(N, 2F)`, gates first
    /// @param out its first `F` columns are written
    public static void swiglu(boolean gelu, Tensor gateUp, Tensor out) {
        SwigluKernel kernel = swigluKernel(gelu, gateUp);
        int threads = threads(gateUp);
        int n = Math.toIntExact(gateUp.size(0));
        withMemory(
                "attune::swiglu",
                kernel.workBytes(threads),
                memory -> kernel.forward(rows(gateUp), rows(out), n, memory, threads));
    }

    /// Replaces the input of [#swiglu] by its gradient.
    ///
    /// @param gelu as in the forward pass
    /// @param dOut gradient of the output, `(N, F)`
    /// @param gateUp changed, `(N, 2F)`
    public static void swigluBackward(boolean gelu, Tensor dOut, Tensor gateUp) {
        SwigluKernel kernel = swigluKernel(gelu, gateUp);
        int threads = threads(gateUp);
        int n = Math.toIntExact(gateUp.size(0));
        withMemory(
                "attune::swiglu_backward",
                kernel.workBytes(threads),
                memory -> kernel.backward(rows(dOut), rows(gateUp), n, memory, threads));
    }

    private static SwigluKernel swigluKernel(boolean gelu, Tensor gateUp) {
        return new SwigluKernel(Math.toIntExact(gateUp.size(1) / 2), gelu);
    }

    /// Whether [#dropout] takes the rows of a matrix.
    public static boolean servesDropout(Tensor x) {
        return x.dtype() == DType.BFLOAT16
                && serve(x.device(), x.dtype())
                && x.size(1) % DropoutKernel.MULTIPLE == 0
                && x.strides()[1] == 1;
    }

    /// Dropout, without the scale.
    ///
    /// @param x `(N, K)`
    /// @param firstRow number of its first row
    /// @param out `(N, K)`; may be `x`
    public static void dropout(KeptNumbers kept, Tensor x, long firstRow, Tensor out) {
        long begun = OperatorTimes.begin();
        int n = Math.toIntExact(x.size(0));
        new DropoutKernel(kept, Math.toIntExact(x.size(1)))
                .run(rows(x), rows(out), n, firstRow, threads(x));
        OperatorTimes.end("attune::dropout", begun);
    }

    /// Statistics of rows of logits, and their gradient.
    ///
    /// @param z `(N, V)`; replaced by the gradient if there are scales
    /// @param targets a token of each row, `(N)`
    /// @param scales factor of each row's gradient, `(N)`, or null: no gradient
    /// @return [VocabularyKernel#STATISTICS] of each row, one behind the other
    /// @throws ShapeException if a target is no token, or there isn't one for each row
    public static float[] vocabulary(
            VocabularyKernel kernel, Tensor z, int[] targets, float[] scales) {
        requireTokens(z, targets);
        long begun = OperatorTimes.begin();
        float[] statistics = new float[targets.length * VocabularyKernel.STATISTICS];
        kernel.run(rows(z), targets, scales, statistics, threads(z));
        OperatorTimes.end("attune::vocabulary", begun);
        return statistics;
    }

    /// `log Σ exp(z / T)` of rows of logits.
    ///
    /// @param z float32 or bfloat16 `(N, V)`
    /// @return one a row
    public static float[] logSums(SamplingKernel kernel, Tensor z) {
        float[] sums = new float[Math.toIntExact(z.size(0))];
        int threads = threads(z);
        withMemory(
                "attune::log_sums",
                kernel.workBytes(threads),
                memory -> kernel.logSums(rows(z), sums, memory, threads));
        return sums;
    }

    /// Tokens that were drawn. A named tuple.
    ///
    /// @param ids -1 where no logit is finite, or one is NaN or infinite
    /// @param logSums `log Σ exp(z / T)` of all tokens
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Drawn(int[] ids, float[] logSums) {}

    /// Draws a token of each row of logits.
    ///
    /// @param z float32 or bfloat16 `(N, V)`
    /// @param banned tokens of each row that may not be drawn
    /// @param uniforms a random number in [0, 1) for each row
    public static Drawn draw(SamplingKernel kernel, Tensor z, int[][] banned, double[] uniforms) {
        var drawn = new Drawn(new int[uniforms.length], new float[uniforms.length]);
        int threads = threads(z);
        withMemory(
                "attune::draw",
                kernel.workBytes(threads),
                memory ->
                        kernel.draw(
                                rows(z),
                                banned,
                                uniforms,
                                drawn.ids(),
                                drawn.logSums(),
                                memory,
                                threads));
        return drawn;
    }

    private static void requireTokens(Tensor z, int[] targets) {
        if (z.size(0) != targets.length) {
            throw new ShapeException(
                    "%d targets don't fit the logits %s".formatted(targets.length, z));
        }
        for (int target : targets) {
            if (target < 0 || target >= z.size(1)) {
                throw new ShapeException(
                        "token %d is not in the vocabulary of %d".formatted(target, z.size(1)));
            }
        }
    }

    /// AdamW's update of float32 numbers side by side.
    ///
    /// @param values changed, as both moments
    public static void adamW(
            AdamWKernel kernel, Tensor values, Tensor gradients, Tensor first, Tensor second) {
        long begun = OperatorTimes.begin();
        var places =
                new AdamWKernel.Places(
                        address(values), address(gradients), address(first), address(second));
        kernel.run(places, values.size(), threads(values));
        OperatorTimes.end("attune::adamw", begun);
    }

    /// Rotates heads where they are.
    ///
    /// @param x `(N, …)`, the heads first in each row
    /// @param heads their number, size, and the scale of the queries
    /// @param cos float32 `(N, rotary / 2)`
    /// @param sin likewise
    /// @param back whether to take a gradient back
    public static void rotate(Tensor x, RotatedHeads heads, Tensor cos, Tensor sin, boolean back) {
        long begun = OperatorTimes.begin();
        new RotaryKernel(
                        heads.queries(),
                        heads.keys(),
                        heads.headDim(),
                        heads.rotary(),
                        (float) heads.scale(),
                        address(cos),
                        address(sin))
                .rotate(rows(x), Math.toIntExact(x.size(0)), back, threads(x));
        OperatorTimes.end("attune::rotary", begun);
    }

    /// Heads that [#rotate] handles.
    ///
    /// @param queries heads that are multiplied by `scale`
    /// @param keys heads behind them
    /// @param headDim features of a head
    /// @param rotary features that are rotated
    /// @param scale of the queries
    public record RotatedHeads(int queries, int keys, int headDim, int rotary, double scale) {
        /// Replaces the queries' scale.
        public RotatedHeads withScale(double other) {
            return new RotatedHeads(queries, keys, headDim, rotary, other);
        }
    }

    /// Attention.
    ///
    /// @param qkv rotated queries, scaled, keys and values, `(N, (H + 2C) K)`
    /// @param out `(N, H K + …)`; its first columns are written
    /// @param logs float32 `(N, H)`, written, see [AttentionKernel#forward]; or null: not wanted
    public static void attention(AttentionKernel kernel, Tensor qkv, Tensor out, Tensor logs) {
        int threads = Engine.threads();
        withMemory(
                "attune::attention",
                kernel.workBytes(threads),
                memory -> kernel.forward(rows(qkv), rows(out), orZero(logs), memory, threads));
    }

    /// The gradient of queries, keys and values.
    ///
    /// @param out what [#attention] wrote, `(N, H K + …)`
    /// @param logs likewise, `(N, H)`, or null
    /// @param dOut gradient of the output, `(N, H K + …)`
    /// @param dQkv written, `(N, (H + 2C) K)`
    public static void attentionBackward(
            AttentionKernel kernel, Tensor qkv, Tensor out, Tensor logs, Tensor dOut, Tensor dQkv) {
        int threads = Engine.threads();
        withMemory(
                "attune::attention_backward",
                kernel.backwardBytes(threads),
                memory ->
                        kernel.backward(
                                rows(qkv),
                                rows(out),
                                orZero(logs),
                                rows(dOut),
                                rows(dQkv),
                                memory,
                                threads));
    }

    /// Attention of one new token of each of several sequences over a cache; appends the token.
    ///
    /// @param qkv rotated queries, scaled, keys and values, `(B, (H + 2C) K)`
    /// @param cache a block's keys and values, `(S, C, 2, L, K)`
    /// @param beginnings the sequences' slots, and what they share
    /// @param lengths tokens in them already, `(B)`
    /// @param out `(B, H K + …)`; its first columns are written
    public static void decode(
            DecodeKernel kernel,
            Tensor qkv,
            Tensor cache,
            SharedBeginnings beginnings,
            int[] lengths,
            Tensor out) {
        int longest = Arrays.stream(lengths).max().orElse(0) + 1;
        boolean large =
                (long) longest * lengths.length * kernel.shape().headDim() > KEYS_WORTH_SHARING;
        int threads = large ? Engine.threads() : 1;
        var rows =
                new CacheRows(
                        address(cache),
                        cache.dtype() == DType.BFLOAT16,
                        kernel.shape().kvHeads(),
                        Math.toIntExact(cache.size(3)),
                        kernel.shape().headDim());
        withMemory(
                "attune::decode",
                kernel.workBytes(longest, threads),
                memory ->
                        kernel.attend(
                                rows(qkv), rows, beginnings, lengths, rows(out), memory, threads));
    }

    /// Runs and times a kernel that needs memory to work in. Little memory is always the same: the
    /// processor may still have it in its cache.
    ///
    /// @param name as an operator's
    /// @param run given the memory's address
    static void withMemory(String name, long bytes, LongConsumer run) {
        long begun = OperatorTimes.begin();
        if (bytes <= LITTLE) {
            run.accept(WORKBENCH.address());
        } else {
            try (var _ = TensorScope.open(name)) {
                long numbers = bytes / DType.FLOAT32.bytes();
                run.accept(address(Tensor.empty(Device.cpu(), DType.FLOAT32, numbers)));
            }
        }
        OperatorTimes.end(name, begun);
    }

    static int threads(Tensor x) {
        return x.size() < WORTH_SHARING ? 1 : Engine.threads();
    }

    static Rows rows(Tensor x) {
        long[] strides = x.strides();
        if (strides[1] != 1) {
            throw new IllegalArgumentException(x + " has rows that aren't dense");
        }
        int bytes = x.dtype().bytes();
        return new Rows(address(x), strides[0] * bytes, x.dtype() == DType.BFLOAT16);
    }

    /// Address of a tensor, or 0 of none.
    static long orZero(Tensor t) {
        return t == null ? 0 : address(t);
    }

    static long address(Tensor x) {
        return Placement.address(x);
    }
}
