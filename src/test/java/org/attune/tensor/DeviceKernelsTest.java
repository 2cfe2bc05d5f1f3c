package org.attune.tensor;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.error.ShapeException;
import org.attune.tensor.vector.AdamWKernel;
import org.attune.tensor.vector.KeptNumbers;
import org.attune.testing.Devices;
import org.attune.testing.SystemProperty;
import org.junit.jupiter.api.Test;

import java.util.function.Consumer;

/// Kernels for GPUs by their stand-ins against the formulas, in double precision, of the rounded
/// arguments.
class DeviceKernelsTest {
    private static final Device GPU = Devices.simulated();
    private static final int ROWS = 5;
    private static final int WIDTH = 24;

    /// A bfloat16 number has 8 bits.
    private static final double ROUNDED = 1.0 / 128;

    private static void test(Consumer<UniformRandomProvider> body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.accept(KernelChecks.random());
                    }
                });
    }

    private static Tensor halves(UniformRandomProvider random, int... shape) {
        int count = 1;
        long[] sizes = new long[shape.length];
        for (int i = 0; i < shape.length; i++) {
            count *= shape[i];
            sizes[i] = shape[i];
        }
        return Tensor.of(GPU, KernelChecks.numbers(random, count), sizes).to(DType.BFLOAT16);
    }

    private static float[] numbers(Tensor x) {
        return x.to(DType.FLOAT32).contiguous().toFloats();
    }

    private static double[] inverseRoots(float[] x, int width, double epsilon) {
        double[] r = new double[x.length / width];
        for (int row = 0; row < r.length; row++) {
            double squares = 0;
            for (int k = 0; k < width; k++) {
                squares += (double) x[row * width + k] * x[row * width + k];
            }
            r[row] = 1 / Math.sqrt(squares / width + epsilon);
        }
        return r;
    }

    @Test
    void normsAndSums() {
        test(
                random -> {
                    Tensor x = halves(random, ROWS, WIDTH);
                    Tensor added = halves(random, ROWS, WIDTH);
                    Tensor weight = halves(random, WIDTH);
                    Tensor out = DeviceKernels.rows(GPU, DType.BFLOAT16, ROWS, WIDTH + 3);
                    float[] sum = numbers(x.add(added));
                    DeviceKernels.addNorm(x, added, weight, 1e-5, out);
                    assertArrayEquals(sum, numbers(x));
                    float[] w = numbers(weight);
                    double[] r = inverseRoots(sum, WIDTH, 1e-5);
                    float[] expected = new float[sum.length];
                    for (int i = 0; i < sum.length; i++) {
                        expected[i] = (float) (sum[i] * r[i / WIDTH] * w[i % WIDTH]);
                    }
                    float[] got = numbers(out.narrow(1, 0, WIDTH));
                    assertClose("norm", expected, got, 0, ROUNDED);
                    Tensor statistics = DeviceKernels.rmsNorm(x, weight, 1e-5, out);
                    assertArrayEquals(got, numbers(out.narrow(1, 0, WIDTH)));
                    assertClose("r", r[2], statistics.toFloats()[2], 0, 1e-6);
                });
    }

    @Test
    void takesGradientsBackThroughNorms() {
        test(
                random -> {
                    Tensor x = halves(random, ROWS, WIDTH);
                    Tensor dy = halves(random, ROWS, 2 * WIDTH).narrow(1, 0, WIDTH);
                    Tensor weight = halves(random, WIDTH);
                    Tensor residual = halves(random, ROWS, WIDTH);
                    Tensor out = Tensor.empty(GPU, DType.BFLOAT16, ROWS, WIDTH);
                    Tensor r = DeviceKernels.rmsNorm(x, weight, 1e-5, out);
                    float[] got =
                            numbers(DeviceKernels.rmsNormBackward(dy, x, r, weight, residual));
                    float[] factors = r.toFloats();
                    float[] xs = numbers(x);
                    float[] ds = numbers(dy);
                    float[] w = numbers(weight);
                    float[] rest = numbers(residual);
                    float[] expected = new float[xs.length];
                    for (int row = 0; row < ROWS; row++) {
                        double mean = 0;
                        for (int i = row * WIDTH; i < (row + 1) * WIDTH; i++) {
                            mean += ds[i] * w[i % WIDTH] * xs[i] * factors[row] / WIDTH;
                        }
                        for (int i = row * WIDTH; i < (row + 1) * WIDTH; i++) {
                            double g = ds[i] * w[i % WIDTH] - xs[i] * factors[row] * mean;
                            expected[i] = (float) (factors[row] * g + rest[i]);
                        }
                    }
                    assertClose("dx", expected, got, 1e-6, ROUNDED);
                });
    }

    @Test
    void opensGatesAndGoesBack() {
        test(
                random -> {
                    Tensor gateUp = halves(random, ROWS, 2 * WIDTH).mul(4);
                    Tensor dOut = halves(random, ROWS, WIDTH);
                    Tensor out = Tensor.empty(GPU, DType.BFLOAT16, ROWS, WIDTH + 8);
                    DeviceKernels.swiglu(gateUp, out);
                    float[] in = numbers(gateUp);
                    float[] d = numbers(dOut);
                    float[] expected = new float[ROWS * WIDTH];
                    float[] gradient = new float[in.length];
                    for (int i = 0; i < expected.length; i++) {
                        int gate = i / WIDTH * 2 * WIDTH + i % WIDTH;
                        double g = in[gate];
                        double s = 1 / (1 + Math.exp(-g));
                        expected[i] = (float) (g * s * in[gate + WIDTH]);
                        gradient[gate] = (float) (d[i] * in[gate + WIDTH] * s * (1 + g * (1 - s)));
                        gradient[gate + WIDTH] = (float) (d[i] * g * s);
                    }
                    float[] got = numbers(out.narrow(1, 0, WIDTH));
                    assertClose("swiglu", expected, got, 0, ROUNDED);
                    DeviceKernels.swigluBackward(dOut, gateUp);
                    assertClose("gradient", gradient, numbers(gateUp), 1e-6, ROUNDED);
                });
    }

    /// 2 query heads and a key head of 8 numbers, 6 of which rotate; then a value.
    private static final VectorKernels.RotatedHeads HEADS =
            new VectorKernels.RotatedHeads(2, 1, 8, 6, 0.5);

    private static float[] rotated(float[] row, float[] cos, float[] sin, boolean back) {
        float[] out = row.clone();
        for (int head = 0; head < 3; head++) {
            double factor = head < 2 ? 0.5 : 1;
            for (int k = 0; k < 8; k++) {
                int i = head * 8 + k;
                double sign = back ? -1 : 1;
                out[i] =
                        (float)
                                (factor
                                        * (k >= 6
                                                ? row[i]
                                                : k < 3
                                                        ? row[i] * cos[k]
                                                                - sign * row[i + 3] * sin[k]
                                                        : row[i] * cos[k - 3]
                                                                + sign * row[i - 3] * sin[k - 3]));
            }
        }
        return out;
    }

    @Test
    void rotatesAndGoesBack() {
        test(
                random -> {
                    Tensor x = halves(random, 1, 32);
                    Tensor cos = Tensor.of(GPU, KernelChecks.numbers(random, 3), 1, 3);
                    Tensor sin = Tensor.of(GPU, KernelChecks.numbers(random, 3), 1, 3);
                    for (boolean back : new boolean[] {false, true}) {
                        float[] expected =
                                rotated(numbers(x), cos.toFloats(), sin.toFloats(), back);
                        DeviceKernels.rotate(x, HEADS, cos, sin, back);
                        assertClose("rotated", expected, numbers(x), 1e-6, ROUNDED);
                    }
                });
    }

    @Test
    void newTokensGoIntoTheCache() {
        test(
                random -> {
                    int capacity = 4;
                    Tensor x = halves(random, 2, 32);
                    Tensor cos = Tensor.of(GPU, KernelChecks.numbers(random, 9), 3, 3);
                    Tensor sin = Tensor.of(GPU, KernelChecks.numbers(random, 9), 3, 3);
                    Tensor cache = Tensor.zeros(GPU, DType.BFLOAT16, 2L * 2 * capacity, 8);
                    float[] before = numbers(x);
                    int[] slots = {1, 0};
                    int[] places = {3, 1};
                    int[] angles = {2, 0};
                    DeviceKernels.append(
                            x,
                            HEADS,
                            new DeviceKernels.CachePlaces(
                                    ints(slots), ints(places), ints(angles), cos, sin),
                            cache,
                            capacity);
                    float[] after = numbers(x);
                    float[] cached = numbers(cache);
                    for (int row = 0; row < 2; row++) {
                        float[] own = new float[32];
                        System.arraycopy(before, 32 * row, own, 0, 32);
                        float[] c = numbers(cos.narrow(0, angles[row], 1));
                        float[] s = numbers(sin.narrow(0, angles[row], 1));
                        float[] expected = rotated(own, c, s, false);
                        int keys = 8 * (slots[row] * 2 * capacity + places[row]);
                        for (int k = 0; k < 8; k++) {
                            int i = 32 * row + k;
                            near(expected[k], after[i]);
                            near(expected[8 + k], after[i + 8]);
                            assertEquals(before[i + 16], after[i + 16]);
                            near(expected[16 + k], cached[keys + k]);
                            assertEquals(own[24 + k], cached[keys + 8 * capacity + k]);
                        }
                    }
                    int filled = 0;
                    for (float number : cached) {
                        filled += number == 0 ? 0 : 1;
                    }
                    assertEquals(2 * 16, filled, "nothing else is written");
                });
    }

    private static Tensor ints(int... numbers) {
        var memory = java.lang.foreign.MemorySegment.ofArray(numbers);
        return Tensor.ofMemory(GPU, DType.INT32, memory, numbers.length);
    }

    private static void near(double expected, double got) {
        assertClose("number", expected, got, 1e-6, ROUNDED);
    }

    @Test
    void dropsWhatTheHostDrops() {
        test(
                random -> {
                    Tensor x = halves(random, ROWS, WIDTH);
                    var kept = KeptNumbers.of(3, "module", KeptNumbers.ALL / 3);
                    Tensor mask = DropoutMasks.of(kept, 7, ROWS, WIDTH, GPU, DType.BFLOAT16);
                    float[] expected = numbers(x.mul(mask));
                    Tensor out = Tensor.empty(GPU, DType.BFLOAT16, ROWS, WIDTH);
                    assertTrue(DeviceKernels.servesDropout(x));
                    DeviceKernels.dropout(kept, x, 7, out);
                    assertClose("kept", expected, numbers(out), 0, 0);
                });
    }

    @Test
    void drawsByTheDistributionFunction() {
        test(
                random -> {
                    int rows = 40;
                    int vocabulary = 37;
                    Tensor z = halves(random, rows, vocabulary).mul(6);
                    float[] logits = numbers(z);
                    double[] uniforms = random.doubles(rows).toArray();
                    Tensor u = Tensor.of(GPU, uniforms, rows, 1);
                    for (double temperature : new double[] {1, 0.6, 0}) {
                        double[] drawn = DeviceKernels.draw(z, u, temperature).toDoubles();
                        for (int row = 0; row < rows; row++) {
                            double[] p = probabilities(logits, row, vocabulary, temperature);
                            int id = (int) drawn[2 * row];
                            assertEquals(drawnFrom(p, uniforms[row]), id);
                            double own = probabilities(logits, row, vocabulary, 1)[id];
                            assertEquals(Math.log(own), drawn[2 * row + 1], 1e-5);
                        }
                    }
                });
    }

    private static double[] probabilities(float[] z, int row, int vocabulary, double temperature) {
        double[] p = new double[vocabulary];
        int best = 0;
        double sum = 0;
        for (int k = 0; k < vocabulary; k++) {
            best = z[row * vocabulary + k] > z[row * vocabulary + best] ? k : best;
            p[k] = temperature == 0 ? 0 : Math.exp(z[row * vocabulary + k] / temperature);
            sum += p[k];
        }
        for (int k = 0; k < vocabulary; k++) {
            p[k] = temperature == 0 ? (k == best ? 1 : 0) : p[k] / sum;
        }
        return p;
    }

    private static int drawnFrom(double[] p, double uniform) {
        double below = 0;
        for (int k = 0; k < p.length; k++) {
            below += p[k];
            if (below > uniform) {
                return k;
            }
        }
        throw new AssertionError("nothing is drawn");
    }

    @Test
    void rowsThatCannotBeDrawnFromAreNaN() {
        test(
                _ -> {
                    float nan = Float.NaN;
                    float low = Float.NEGATIVE_INFINITY;
                    float[] z = {
                        low, low, low, nan, 1, 2, 3, Float.POSITIVE_INFINITY, 3, low, 1, 1
                    };
                    Tensor logits = Tensor.of(GPU, z, 4, 3).to(DType.BFLOAT16);
                    Tensor u = Tensor.of(GPU, new double[] {0.5, 0.5, 0.5, 0}, 4, 1);
                    double[] drawn = DeviceKernels.draw(logits, u, 1).toDoubles();
                    for (int row = 0; row < 3; row++) {
                        assertTrue(Double.isNaN(drawn[2 * row + 1]), "row " + row);
                    }
                    assertEquals(1, drawn[6], "what is impossible isn't drawn by 0");
                });
    }

    @Test
    void adamWRoundsAsOnAProcessor() {
        test(
                random -> {
                    var kernel =
                            new AdamWKernel(0.99f, 0.5f, 0.9f, 0.1f, 0.95f, 0.05f, 3, 1e-8f, 0.01f);
                    Tensor[] here = new Tensor[4];
                    Tensor[] there = new Tensor[4];
                    for (int i = 0; i < here.length; i++) {
                        float[] numbers = KernelChecks.numbers(random, 333);
                        if (i == 3) { // squares
                            for (int k = 0; k < numbers.length; k++) {
                                numbers[k] *= numbers[k];
                            }
                        }
                        here[i] = Tensor.of(Device.cpu(), numbers, 333);
                        there[i] = Tensor.of(GPU, numbers, 333);
                    }
                    VectorKernels.adamW(kernel, here[0], here[1], here[2], here[3]);
                    DeviceKernels.adamW(kernel, there[0], there[1], there[2], there[3], null);
                    for (int i = 0; i < here.length; i++) {
                        assertArrayEquals(here[i].toFloats(), there[i].toFloats());
                    }
                    assertTrue(DeviceKernels.serveUpdates(GPU));
                    assertFalse(DeviceKernels.serveUpdates(Device.cpu()));
                });
    }

    @Test
    void matricesThatLieApartAreAddedAndCopied() {
        test(
                random -> {
                    Tensor sum = Tensor.of(GPU, KernelChecks.numbers(random, 40), 5, 8);
                    Tensor x = halves(random, 4, 12).narrow(1, 2, 5).t(); // (5, 4)
                    Tensor part = sum.narrow(1, 1, 4);
                    float[] expected = numbers(part.add(x.to(DType.FLOAT32).mul(0.7)));
                    float[] rest = numbers(sum.narrow(1, 5, 3));
                    assertTrue(DeviceKernels.serveMatrices(part, x));
                    DeviceKernels.accumulate(part, x, 0.7);
                    assertArrayEquals(expected, numbers(part));
                    assertArrayEquals(rest, numbers(sum.narrow(1, 5, 3)));
                    DeviceKernels.copy(part, x, 0.3);
                    assertArrayEquals(numbers(part.mul(0.3).to(DType.BFLOAT16)), numbers(x));
                    assertFalse(DeviceKernels.serveMatrices(sum, x));
                });
    }

    @Test
    void argumentsAreComparedWithTheKernels() {
        test(
                random -> {
                    Tensor x = halves(random, ROWS, WIDTH);
                    var kernel = new DeviceKernel("attune_swiglu");
                    assertThrows(ShapeException.class, () -> kernel.with(x.to(DType.FLOAT32)));
                    assertThrows(IllegalStateException.class, () -> kernel.with(3));
                    assertThrows(IllegalStateException.class, () -> kernel.launch(1, 32));
                    assertThrows(
                            IllegalArgumentException.class, () -> new DeviceKernel("attune_no"));
                    Tensor odd = halves(random, ROWS, WIDTH + 1).narrow(1, 0, WIDTH);
                    Tensor out = Tensor.empty(GPU, DType.BFLOAT16, ROWS, WIDTH / 2);
                    assertFalse(DeviceKernels.serve(WIDTH, odd));
                    assertThrows(ShapeException.class, () -> DeviceKernels.swiglu(odd, out));
                });
    }

    @Test
    void operatorsComputeWhereKernelsAreOff() {
        test(
                _ -> {
                    assertTrue(DeviceKernels.serve(GPU, DType.BFLOAT16));
                    assertFalse(DeviceKernels.serve(GPU, DType.FLOAT32));
                    assertFalse(DeviceKernels.serve(Device.cpu(), DType.BFLOAT16));
                    try (var _ = SystemProperty.set("attune.gpu.kernels", "off")) {
                        assertFalse(DeviceKernels.serve(GPU, DType.BFLOAT16));
                    }
                });
    }
}
