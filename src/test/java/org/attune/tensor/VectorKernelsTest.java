package org.attune.tensor;

import static org.attune.tensor.KernelChecks.close;
import static org.attune.tensor.KernelChecks.numbers;
import static org.attune.tensor.KernelChecks.rows;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.tensor.vector.AttentionKernel;
import org.attune.tensor.vector.AttentionSegment;
import org.attune.tensor.vector.AttentionShape;
import org.attune.tensor.vector.DecodeKernel;
import org.attune.tensor.vector.SharedBeginnings;
import org.attune.testing.Hardware;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntConsumer;

/// Kernels against the same formulas in double precision, number by number.
class VectorKernelsTest {
    private static final int HEAD = 32;
    private static final AttentionShape SHAPE = new AttentionShape(2, 3, HEAD);
    private static final int WIDTH = (2 * 3 + 2 * 2) * HEAD;

    /// A prompt of 5 rows with children of 1, 19 and 4, the last with a child of 7; another of 40.
    private static final int[][] TREE = {{-1, 5}, {0, 1}, {0, 19}, {0, 4}, {3, 7}, {-1, 40}};

    private final UniformRandomProvider random = KernelChecks.random();

    @BeforeEach
    void needsTheVectorModule() {
        Hardware.requireVectors();
    }

    @Test
    void widthsThatAreNoMultipleOfTheVectorAreLeftToOperators() {
        Engine.run(
                () -> {
                    assertFalse(VectorKernels.serve(Device.cpu(), DType.FLOAT32, 17));
                    assertFalse(VectorKernels.serve(Device.cpu(), DType.FLOAT64, 64));
                    try (var _ = TensorScope.open("test")) {
                        Tensor x = rows(numbers(random, 64 * 32), 64).t();
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> VectorKernels.rmsNorm(x, x, 0, 0, x));
                    }
                });
    }

    @Test
    void normAndItsGradient() {
        rmsNorm(0);
    }

    @Test
    void rmsNormWithAnOffsetAndItsGradient() {
        rmsNorm(1);
    }

    private void rmsNorm(double offset) {
        int n = 150;
        int width = 96;
        float[] x = numbers(random, n * width);
        float[] w = numbers(random, width);
        float[] dy = numbers(random, n * width);
        float[] residual = numbers(random, n * width);
        double[] y = new double[n * width];
        double[] dx = new double[n * width];
        for (int row = 0; row < n; row++) {
            int at = row * width;
            double squares = 0;
            double product = 0;
            for (int k = 0; k < width; k++) {
                squares += (double) x[at + k] * x[at + k];
                product += dy[at + k] * (offset + w[k]) * x[at + k];
            }
            double r = 1 / Math.sqrt(squares / width + 1e-3);
            for (int k = 0; k < width; k++) {
                y[at + k] = x[at + k] * r * (offset + w[k]);
                double g = dy[at + k] * (offset + w[k]);
                dx[at + k] = r * (g - x[at + k] * r * r * product / width) + residual[at + k];
            }
        }
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor in = rows(x, n);
                        Tensor weight = Tensor.of(Device.cpu(), w, width);
                        Tensor out = Tensor.empty(Device.cpu(), DType.FLOAT32, n, width + 16);
                        Tensor r =
                                VectorKernels.rmsNorm(
                                        in, weight, 1e-3, offset, out.narrow(1, 0, width));
                        close(y, out.narrow(1, 0, width).toFloats(), "norm");
                        Tensor d =
                                VectorKernels.rmsNormBackward(
                                        rows(dy, n), in, r, weight, offset, rows(residual, n));
                        close(dx, d.toFloats(), "its gradient");
                        Tensor alone =
                                VectorKernels.rmsNormBackward(
                                        rows(dy, n), in, r, weight, offset, null);
                        Tensor sum = alone.add(rows(residual, n));
                        close(dx, sum.toFloats(), "without a residual");
                    }
                });
    }

    @Test
    void bfloat16IsRoundedToTheNearestAndNotANumberStays() {
        float[] x = numbers(random, 3 * 32);
        float[] ones = new float[32];
        Arrays.fill(ones, 1);
        x[70] = Float.NaN;
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor in = rows(x, 3).to(DType.BFLOAT16);
                        Tensor one = Tensor.of(Device.cpu(), ones, 32).to(DType.BFLOAT16);
                        Tensor out = Tensor.empty(Device.cpu(), DType.BFLOAT16, 3, 32);
                        Tensor r = VectorKernels.rmsNorm(in, one, 1e-5, 0, out);
                        Tensor exact = in.to(DType.FLOAT32).mul(r); // (3, 32)
                        assertArrayEquals(
                                exact.to(DType.BFLOAT16).toFloats(), out.toFloats(), "as ATen");
                    }
                });
    }

    private static List<AttentionSegment> segments() {
        List<AttentionSegment> segments = new ArrayList<>();
        int[] starts = new int[TREE.length];
        int row = 0;
        for (int i = 0; i < TREE.length; i++) {
            starts[i] = row;
            row += TREE[i][1];
            List<Integer> path = new ArrayList<>();
            for (int p = i; p >= 0; p = TREE[p][0]) {
                path.addFirst(p);
            }
            int[] from = path.stream().mapToInt(p -> starts[p]).toArray();
            int[] to = path.stream().mapToInt(p -> starts[p] + TREE[p][1]).toArray();
            segments.add(new AttentionSegment(starts[i], row, from, to));
        }
        return segments;
    }

    private static int[] visible(AttentionSegment s, int row, int window) {
        List<Integer> keys = new ArrayList<>();
        for (int i = 0; i < s.keyStarts().length; i++) {
            for (int k = s.keyStarts()[i]; k < s.keyEnds()[i] && k <= row; k++) {
                keys.add(k);
            }
        }
        int skipped = window > 0 ? Math.max(0, keys.size() - window) : 0;
        return keys.stream().skip(skipped).mapToInt(k -> k).toArray();
    }

    /// Attention and, for a gradient of its output, those of queries, keys and values.
    private static double[] reference(float[] qkv, int window, float[] dOut, double[] d) {
        double[] out = new double[qkv.length / WIDTH * 6 * HEAD];
        for (AttentionSegment s : segments()) {
            for (int row = s.start(); row < s.end(); row++) {
                int[] keys = visible(s, row, window);
                for (int head = 0; head < 6; head++) {
                    int q = row * WIDTH + head * HEAD;
                    int o = row * 6 * HEAD + head * HEAD;
                    int k = (6 + head / 3) * HEAD;
                    int v = (8 + head / 3) * HEAD;
                    double[] p = new double[keys.length];
                    double sum = 0;
                    for (int t = 0; t < keys.length; t++) {
                        p[t] = Math.exp(dot(qkv, q, qkv, keys[t] * WIDTH + k));
                        sum += p[t];
                    }
                    double mean = 0;
                    double[] dp = new double[keys.length];
                    for (int t = 0; t < keys.length; t++) {
                        p[t] /= sum;
                        dp[t] = dot(dOut, o, qkv, keys[t] * WIDTH + v);
                        mean += p[t] * dp[t];
                    }
                    for (int t = 0; t < keys.length; t++) {
                        double ds = p[t] * (dp[t] - mean);
                        int key = keys[t] * WIDTH;
                        for (int i = 0; i < HEAD; i++) {
                            out[o + i] += p[t] * qkv[key + v + i];
                            d[key + v + i] += p[t] * dOut[o + i];
                            d[q + i] += ds * qkv[key + k + i];
                            d[key + k + i] += ds * qkv[q + i];
                        }
                    }
                }
            }
        }
        return out;
    }

    private static double dot(float[] a, int from, float[] b, int at) {
        double sum = 0;
        for (int i = 0; i < HEAD; i++) {
            sum += (double) a[from + i] * b[at + i];
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 6, 23})
    void attentionOverTrees(int window) {
        int n = 76;
        float[] qkv = numbers(random, n * WIDTH);
        float[] dOut = numbers(random, n * 6 * HEAD);
        double[] d = new double[qkv.length];
        double[] expected = reference(qkv, window, dOut, d);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        var kernel = new AttentionKernel(SHAPE, window, segments(), false);
                        Tensor in = rows(qkv, n);
                        Tensor out = Tensor.full(Device.cpu(), DType.FLOAT32, 9, n, 6 * HEAD + 5);
                        VectorKernels.attention(kernel, in, out, null);
                        close(expected, out.narrow(1, 0, 6 * HEAD).toFloats(), "attention");
                        close(filled(n * 5), out.narrow(1, 6 * HEAD, 5).toFloats(), "beside it");
                        Tensor dIn = Tensor.empty(Device.cpu(), DType.FLOAT32, n, WIDTH);
                        VectorKernels.attentionBackward(kernel, in, out, null, rows(dOut, n), dIn);
                        close(d, dIn.toFloats(), "its gradient");
                    }
                });
    }

    private static double[] filled(int count) {
        double[] nines = new double[count];
        Arrays.fill(nines, 9);
        return nines;
    }

    @Test
    void anotherNumberOfThreadsGivesTheSameBits() {
        int n = 76;
        float[] qkv = numbers(random, n * WIDTH);
        float[] dOut = numbers(random, n * 6 * HEAD);
        BiFunction<Integer, Tensor, float[]> gradient =
                (threads, in) -> {
                    Engine.suitThreads(threads == 1);
                    var kernel = new AttentionKernel(SHAPE, 0, segments(), false);
                    Tensor dIn = Tensor.empty(Device.cpu(), DType.FLOAT32, n, WIDTH);
                    Tensor out = Tensor.zeros(Device.cpu(), DType.FLOAT32, n, 6 * HEAD);
                    VectorKernels.attentionBackward(kernel, in, out, null, rows(dOut, n), dIn);
                    return dIn.toFloats();
                };
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor in = rows(qkv, n);
                        float[] first = gradient.apply(1, in);
                        for (int i = 0; i < 20; i++) {
                            assertArrayEquals(first, gradient.apply(2, in));
                        }
                    }
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3})
    void decodingOverACache(int window) {
        int capacity = 21;
        int[] lengths = {0, 5, 20};
        float[] qkv = numbers(random, lengths.length * WIDTH);
        float[] cache = numbers(random, lengths.length * 2 * 2 * capacity * HEAD);
        double[] expected = decoded(qkv, cache, lengths, capacity, window);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor memory =
                                Tensor.of(
                                        Device.cpu(), cache, lengths.length, 2, 2, capacity, HEAD);
                        Tensor out =
                                Tensor.empty(Device.cpu(), DType.FLOAT32, lengths.length, 6 * HEAD);
                        VectorKernels.decode(
                                new DecodeKernel(SHAPE, window),
                                rows(qkv, lengths.length),
                                memory,
                                SharedBeginnings.none(lengths.length),
                                lengths,
                                out);
                        close(expected, out.toFloats(), "attention");
                    }
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 18})
    void decodingReadsASharedBeginningFromItsSource(int window) {
        int capacity = 21;
        int shared = 5;
        int[] lengths = {6, 5, 20};
        float[] qkv = numbers(random, lengths.length * WIDTH);
        float[] cache = numbers(random, lengths.length * 2 * 2 * capacity * HEAD);
        int slot = 2 * 2 * capacity * HEAD;
        eachBeginning(
                capacity, at -> System.arraycopy(cache, at, cache, 2 * slot + at, shared * HEAD));
        double[] expected = decoded(qkv, cache, lengths, capacity, window);
        eachBeginning(
                capacity,
                at -> Arrays.fill(cache, 2 * slot + at, 2 * slot + at + shared * HEAD, Float.NaN));
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor out =
                                Tensor.empty(Device.cpu(), DType.FLOAT32, lengths.length, 6 * HEAD);
                        VectorKernels.decode(
                                new DecodeKernel(SHAPE, window),
                                rows(qkv, lengths.length),
                                Tensor.of(
                                        Device.cpu(), cache, lengths.length, 2, 2, capacity, HEAD),
                                new SharedBeginnings(
                                        new int[] {0, 1, 2},
                                        new int[] {0, 1, 0},
                                        new int[] {0, 0, shared}),
                                lengths,
                                out);
                        close(expected, out.toFloats(), "attention");
                    }
                });
    }

    /// @param action given where the first key, or value, of a head of the first slot stands
    private static void eachBeginning(int capacity, IntConsumer action) {
        for (int i = 0; i < 4; i++) {
            action.accept(i * capacity * HEAD);
        }
    }

    private static double[] decoded(
            float[] qkv, float[] cache, int[] lengths, int capacity, int window) {
        double[] out = new double[lengths.length * 6 * HEAD];
        for (int row = 0; row < lengths.length; row++) {
            for (int head = 0; head < 6; head++) {
                int slot = (row * 2 + head / 3) * 2 * capacity * HEAD;
                int values = slot + capacity * HEAD;
                int own = lengths[row] * HEAD;
                int k = row * WIDTH + (6 + head / 3) * HEAD;
                System.arraycopy(qkv, k, cache, slot + own, HEAD);
                System.arraycopy(qkv, k + 2 * HEAD, cache, values + own, HEAD);
                int first = window > 0 ? Math.max(0, lengths[row] + 1 - window) : 0;
                double sum = 0;
                double[] mean = new double[HEAD];
                for (int t = first; t <= lengths[row]; t++) {
                    int q = row * WIDTH + head * HEAD;
                    double p = Math.exp(dot(qkv, q, cache, slot + t * HEAD));
                    sum += p;
                    for (int i = 0; i < HEAD; i++) {
                        mean[i] += p * cache[values + t * HEAD + i];
                    }
                }
                for (int i = 0; i < HEAD; i++) {
                    out[(row * 6 + head) * HEAD + i] = mean[i] / sum;
                }
            }
        }
        return out;
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 64})
    void rotationAndBack(int rotary) {
        int n = 70;
        int head = 64;
        float[] x = numbers(random, n * 3 * head);
        float[] cos = numbers(random, n * rotary / 2);
        float[] sin = numbers(random, n * rotary / 2);
        double[] forward = new double[x.length];
        double[] back = new double[x.length];
        for (int row = 0; row < n; row++) {
            for (int h = 0; h < 3; h++) {
                double scale = h < 2 ? 0.125 : 1;
                int at = (row * 3 + h) * head;
                for (int i = 0; i < head; i++) {
                    forward[at + i] = x[at + i] * scale;
                    back[at + i] = x[at + i] * scale;
                }
                for (int i = 0; i < rotary / 2; i++) {
                    double c = scale * cos[row * rotary / 2 + i];
                    double s = scale * sin[row * rotary / 2 + i];
                    double a = x[at + i];
                    double b = x[at + rotary / 2 + i];
                    forward[at + i] = a * c - b * s;
                    forward[at + rotary / 2 + i] = b * c + a * s;
                    back[at + i] = a * c + b * s;
                    back[at + rotary / 2 + i] = b * c - a * s;
                }
            }
        }
        var heads = new VectorKernels.RotatedHeads(2, 1, head, rotary, 0.125);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor c = rows(cos, n);
                        Tensor s = rows(sin, n);
                        Tensor turned = rows(x, n);
                        VectorKernels.rotate(turned, heads, c, s, false);
                        close(forward, turned.toFloats(), "rotated");
                        Tensor returned = rows(x, n);
                        VectorKernels.rotate(returned, heads, c, s, true);
                        close(back, returned.toFloats(), "taken back");
                    }
                });
    }

    @Test
    void gatedSiluAndItsGradient() {
        gatedActivation(false, g -> g / (1 + Math.exp(-g)), 1e-6);
    }

    @Test
    void gatedGeluAndItsGradient() {
        double slope = Math.sqrt(2 / Math.PI);
        gatedActivation(
                true, g -> 0.5 * g * (1 + Math.tanh(slope * (g + 0.044715 * g * g * g))), 1e-6);
    }

    /// @param step of central differences
    private void gatedActivation(boolean gelu, DoubleUnaryOperator f, double step) {
        int n = 37;
        int inner = 64;
        float[] gateUp = numbers(random, n * 2 * inner);
        gateUp[0] = -100; // its exponential overflows
        gateUp[1] = 100;
        gateUp[2] = 8;
        float[] dOut = numbers(random, n * inner);
        double[] out = new double[n * inner];
        double[] d = new double[gateUp.length];
        for (int row = 0; row < n; row++) {
            for (int k = 0; k < inner; k++) {
                int gate = row * 2 * inner + k;
                double g = gateUp[gate];
                double u = gateUp[gate + inner];
                double dy = dOut[row * inner + k];
                double up = f.applyAsDouble(g + step);
                double slope = (up - f.applyAsDouble(g - step)) / (2 * step);
                out[row * inner + k] = f.applyAsDouble(g) * u;
                d[gate] = dy * u * slope;
                d[gate + inner] = dy * f.applyAsDouble(g);
            }
        }
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor in = rows(gateUp, n);
                        Tensor y = Tensor.full(Device.cpu(), DType.FLOAT32, 9, n, inner + 3);
                        VectorKernels.swiglu(gelu, in, y);
                        close(out, y.narrow(1, 0, inner).toFloats(), "activation");
                        close(filled(n * 3), y.narrow(1, inner, 3).toFloats(), "beside it");
                        VectorKernels.swigluBackward(gelu, rows(dOut, n), in);
                        close(d, in.toFloats(), "its gradient");
                    }
                });
    }
}
