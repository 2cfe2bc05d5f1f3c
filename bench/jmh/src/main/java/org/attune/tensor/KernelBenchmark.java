package org.attune.tensor;

import org.attune.tensor.vector.AttentionKernel;
import org.attune.tensor.vector.AttentionSegment;
import org.attune.tensor.vector.AttentionShape;
import org.attune.tensor.vector.DecodeKernel;
import org.attune.tensor.vector.SharedBeginnings;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// The vector kernels at SmolLM2-135M's sizes: one block's work on 2048 rows in bfloat16, or on one
/// token of 32 sequences. Each call pays for the way to the engine thread, some microseconds.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class KernelBenchmark {
    private static final int ROWS = 2048;
    private static final int WIDTH = 576;
    private static final int HEADS = 9;
    private static final int KV_HEADS = 3;
    private static final int HEAD = 64;
    private static final int JOINT = (HEADS + 2 * KV_HEADS) * HEAD;
    private static final int SEQUENCES = 32;

    /// Rows of a segment, or tokens in the cache.
    @Param({"128", "512"})
    public int length;

    private TensorScope scope;
    private Tensor x;
    private Tensor weight;
    private Tensor out;
    private Tensor statistics;
    private Tensor qkv;
    private Tensor dQkv;
    private Tensor attended;
    private Tensor logs;
    private Tensor cos;
    private Tensor sin;
    private Tensor token;
    private Tensor tokenOut;
    private Tensor cache;
    private AttentionKernel attention;

    @Setup(Level.Trial)
    public void allocate() {
        Engine.run(
                () -> {
                    scope = TensorScope.detached("benchmark");
                    try (var _ = scope.enter()) {
                        x = filled(ROWS, WIDTH);
                        weight = filled(WIDTH);
                        out = filled(ROWS, WIDTH);
                        statistics = VectorKernels.rmsNorm(x, weight, 1e-5, 0, out);
                        qkv = filled(ROWS, JOINT);
                        dQkv = filled(ROWS, JOINT);
                        attended = filled(ROWS, HEADS * HEAD);
                        logs = Tensor.full(Device.cpu(), DType.FLOAT32, 1, ROWS, HEADS);
                        cos = Tensor.full(Device.cpu(), DType.FLOAT32, 0.6, ROWS, HEAD / 2);
                        sin = Tensor.full(Device.cpu(), DType.FLOAT32, 0.8, ROWS, HEAD / 2);
                        token = filled(SEQUENCES, JOINT);
                        tokenOut = filled(SEQUENCES, HEADS * HEAD);
                        cache = filled(SEQUENCES, KV_HEADS, 2, length + 1, HEAD);
                    }
                });
        List<AttentionSegment> segments = new ArrayList<>();
        for (int start = 0; start < ROWS; start += length) {
            int end = start + length;
            segments.add(new AttentionSegment(start, end, new int[] {start}, new int[] {end}));
        }
        attention =
                new AttentionKernel(shape(), 0, segments, VectorKernels.hasTiles(DType.BFLOAT16));
    }

    private static AttentionShape shape() {
        return new AttentionShape(KV_HEADS, HEADS / KV_HEADS, HEAD);
    }

    private static Tensor filled(long... sizes) {
        return Tensor.full(Device.cpu(), DType.BFLOAT16, 0.01, sizes);
    }

    @TearDown(Level.Trial)
    public void free() {
        Engine.run(scope::close);
    }

    private static void work(Runnable work) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("call")) {
                        work.run();
                    }
                });
    }

    @Benchmark
    public void rmsNorm() {
        work(() -> VectorKernels.rmsNorm(x, weight, 1e-5, 0, out));
    }

    @Benchmark
    public void rmsNormBackward() {
        work(() -> VectorKernels.rmsNormBackward(out, x, statistics, weight, 0, x));
    }

    @Benchmark
    public void rotary() {
        var heads = new VectorKernels.RotatedHeads(HEADS, KV_HEADS, HEAD, HEAD, 0.125);
        work(() -> VectorKernels.rotate(dQkv, heads, cos, sin, false));
    }

    @Benchmark
    public void attention() {
        work(() -> VectorKernels.attention(attention, qkv, attended, logs));
    }

    @Benchmark
    public void attentionBackward() {
        work(() -> VectorKernels.attentionBackward(attention, qkv, attended, logs, attended, dQkv));
    }

    @Benchmark
    public void decodeAttention() {
        int[] lengths = new int[SEQUENCES];
        Arrays.fill(lengths, length);
        work(
                () ->
                        VectorKernels.decode(
                                new DecodeKernel(shape(), 0),
                                token,
                                cache,
                                SharedBeginnings.none(SEQUENCES),
                                lengths,
                                tokenOut));
    }
}
