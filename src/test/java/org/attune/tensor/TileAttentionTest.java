package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.vector.AttentionKernel;
import org.attune.tensor.vector.AttentionSegment;
import org.attune.tensor.vector.AttentionShape;
import org.attune.testing.Hardware;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// Attention whose products take bfloat16 numbers, against the same in float32, over the same
/// numbers. How wrong it may be follows from 8 bits of mantissa.
class TileAttentionTest {
    private static final double TOLERANCE = 0.012; // of the largest number

    private final Random random = new Random(5);

    @BeforeEach
    void needsTiles() {
        Hardware.requireBfloat16Products();
    }

    /// A root, two children of it, one of which has a child, an onlooker, and a tree beside it.
    private static List<AttentionSegment> segments(int root, int child, int other) {
        int a = root + child;
        int b = a + child / 3 + 1;
        int c = b + 7;
        int d = c + 1;
        List<AttentionSegment> all = new ArrayList<>();
        all.add(new AttentionSegment(0, root, new int[] {0}, new int[] {root}));
        all.add(new AttentionSegment(root, a, new int[] {0}, new int[] {a}));
        all.add(new AttentionSegment(a, b, new int[] {0, a}, new int[] {root, b}));
        all.add(new AttentionSegment(b, c, new int[] {0, a}, new int[] {root, c}));
        all.add(new AttentionSegment(c, d, new int[] {0}, new int[] {root}));
        all.add(new AttentionSegment(d, d + other, new int[] {d}, new int[] {d + other}));
        return all;
    }

    private Tensor numbers(int rows, int columns, float size) {
        float[] x = new float[rows * columns];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian() * size;
        }
        return Tensor.of(Device.cpu(), x, rows, columns).to(DType.BFLOAT16);
    }

    private record Results(float[] out, float[] gradient) {}

    private static Results run(AttentionKernel kernel, Tensor qkv, Tensor dOut, boolean keepsLogs) {
        long heads = dOut.size(1) / 16; // at most
        Tensor logs =
                keepsLogs ? Tensor.full(qkv.device(), DType.FLOAT32, 9, qkv.size(0), heads) : null;
        Tensor out = Tensor.full(qkv.device(), qkv.dtype(), 9, dOut.size(0), dOut.size(1) + 5);
        VectorKernels.attention(kernel, qkv, out, logs);
        for (float beside : out.narrow(1, dOut.size(1), 5).toFloats()) {
            assertTrue(beside == 9, "written beside the output");
        }
        Tensor d = Tensor.full(qkv.device(), qkv.dtype(), 9, qkv.size(0), qkv.size(1));
        VectorKernels.attentionBackward(kernel, qkv, out, logs, dOut, d);
        return new Results(out.narrow(1, 0, dOut.size(1)).toFloats(), d.toFloats());
    }

    private static void close(float[] expected, float[] actual, String what) {
        double largest = 0;
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            double error = Math.abs(expected[i] - actual[i]);
            worst = Math.max(worst, Double.isNaN(error) ? Double.POSITIVE_INFINITY : error);
        }
        double share = worst / largest;
        assertTrue(share < TOLERANCE, what + " is wrong by " + share + " of " + largest);
    }

    @ParameterizedTest
    @CsvSource({
        // root, child, other, window, key/value heads, groups, head
        "1, 2, 1, 0, 1, 1, 16",
        "20, 37, 5, 0, 2, 3, 64",
        "51, 64, 130, 0, 1, 3, 64",
        "129, 300, 64, 0, 2, 4, 32",
        "600, 40, 700, 0, 1, 7, 48",
        "1500, 200, 1100, 0, 1, 2, 64",
        "2100, 10, 3, 0, 1, 16, 32",
        "20, 37, 5, 6, 2, 3, 64",
        "129, 300, 64, 50, 2, 4, 32",
        "600, 40, 700, 128, 1, 7, 48",
        "1500, 200, 1100, 300, 1, 2, 64",
        "2500, 1300, 1, 700, 1, 1, 32",
    })
    void equalsFloats(
            int root, int child, int other, int window, int heads, int groups, int headDim) {
        var shape = new AttentionShape(heads, groups, headDim);
        List<AttentionSegment> segments = segments(root, child, other);
        int n = segments.getLast().end();
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor qkv = numbers(n, heads * (groups + 2) * headDim, 0.7f);
                        Tensor dOut = numbers(n, heads * groups * headDim, 1);
                        Results expected =
                                run(
                                        new AttentionKernel(shape, window, segments, false),
                                        qkv.to(DType.FLOAT32),
                                        dOut.to(DType.FLOAT32),
                                        false);
                        var kernel = new AttentionKernel(shape, window, segments, true);
                        for (boolean keepsLogs : new boolean[] {false, true}) {
                            Results actual = run(kernel, qkv, dOut, keepsLogs);
                            close(expected.out(), actual.out(), "output");
                            close(expected.gradient(), actual.gradient(), "gradient");
                        }
                    }
                });
    }

    @Test
    void anotherNumberOfThreadsGivesTheSameBits() {
        var shape = new AttentionShape(2, 3, 64);
        List<AttentionSegment> segments = segments(1500, 70, 30);
        int n = segments.getLast().end();
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        var kernel = new AttentionKernel(shape, 0, segments, true);
                        Tensor qkv = numbers(n, 2 * 5 * 64, 0.7f);
                        Tensor dOut = numbers(n, 2 * 3 * 64, 1);
                        Engine.suitThreads(true);
                        Results one = run(kernel, qkv, dOut, true);
                        Engine.suitThreads(false);
                        for (int i = 0; i < 5; i++) {
                            Results two = run(kernel, qkv, dOut, true);
                            assertArrayEquals(one.out(), two.out());
                            assertArrayEquals(one.gradient(), two.gradient());
                        }
                    }
                });
    }
}
