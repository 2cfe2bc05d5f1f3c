package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.tensor.vector.SamplingKernel;
import org.attune.testing.Hardware;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;

class SamplingKernelTest {
    private static final int ROWS = 40;
    private final UniformRandomProvider random = RandomSource.XO_RO_SHI_RO_128_PP.create(7);

    @BeforeEach
    void kernels() {
        Hardware.requireVectors();
    }

    private static int[] draw(float[] logits, int vocabulary, double t, double[] uniforms) {
        return draw(logits, vocabulary, t, new int[uniforms.length][0], uniforms, DType.FLOAT32);
    }

    private static int[] draw(
            float[] logits,
            int vocabulary,
            double t,
            int[][] banned,
            double[] uniforms,
            DType dtype) {
        int[][] ids = new int[1][];
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor z = Tensor.of(Device.cpu(), logits, uniforms.length, vocabulary);
                        var kernel = new SamplingKernel(vocabulary, t);
                        ids[0] = VectorKernels.draw(kernel, z.to(dtype), banned, uniforms).ids();
                    }
                });
        return ids[0];
    }

    /// Share of the tokens before `id`, and up to it.
    private static double[] interval(float[] logits, int from, int vocabulary, double t, int id) {
        double before = 0;
        double own = 0;
        double all = 0;
        for (int i = 0; i < vocabulary; i++) {
            double p = Math.exp(logits[from + i] / t);
            all += p;
            before += i < id ? p : 0;
            own += i == id ? p : 0;
        }
        return new double[] {before / all, (before + own) / all};
    }

    private float[] logits(int vocabulary) {
        float[] z = new float[ROWS * vocabulary];
        for (int i = 0; i < z.length; i++) {
            z[i] = 12 * random.nextFloat() - 3;
        }
        return z;
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 256, 832, 2048}) // below, at and above a piece, and with a rest
    void drawsByTheDistributionFunction(int vocabulary) {
        for (double t : new double[] {0.3, 1, 2.5}) {
            float[] z = logits(vocabulary);
            double[] uniforms = random.doubles(ROWS).toArray();
            int[] ids = draw(z, vocabulary, t, uniforms);
            for (int row = 0; row < ROWS; row++) {
                double[] share = interval(z, row * vocabulary, vocabulary, t, ids[row]);
                assertTrue(
                        share[0] - 1e-5 <= uniforms[row] && uniforms[row] <= share[1] + 1e-5,
                        "token %d, %s holds %s"
                                .formatted(ids[row], Arrays.toString(share), uniforms[row]));
            }
        }
    }

    @Test
    void logSumsAreThoseOfDoublePrecision() {
        int vocabulary = 832;
        float[] z = logits(vocabulary);
        float[][] sums = new float[1][];
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor rows = Tensor.of(Device.cpu(), z, ROWS, vocabulary);
                        var kernel = new SamplingKernel(vocabulary, 1);
                        sums[0] = VectorKernels.logSums(kernel, rows);
                        double[] uniforms = new double[ROWS];
                        assertArrayEquals(
                                sums[0],
                                VectorKernels.draw(kernel, rows, new int[ROWS][0], uniforms)
                                        .logSums());
                    }
                });
        for (int row = 0; row < ROWS; row++) {
            double sum = 0;
            for (int i = 0; i < vocabulary; i++) {
                sum += Math.exp(z[row * vocabulary + i]);
            }
            assertEquals(Math.log(sum), sums[0][row], 2e-6);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5, 1 - 0x1p-53})
    void neverDrawsWhatIsBanned(double uniform) {
        int vocabulary = 576;
        float[] z = new float[vocabulary];
        Arrays.fill(z, Float.NEGATIVE_INFINITY);
        z[300] = 1;
        z[301] = -200; // rounds to nothing
        assertArrayEquals(new int[] {300}, draw(z, vocabulary, 1, new double[] {uniform}));
    }

    /// What a banned token's logit of minus infinity gives, wherever the token stands and however
    /// likely it was; the sum is that of all tokens.
    @ParameterizedTest
    @ValueSource(floats = {0, 20, 300})
    void leavesBannedTokensOut(float lead) {
        int vocabulary = 832;
        float[] z = logits(vocabulary);
        int[][] banned = new int[ROWS][];
        for (int row = 0; row < ROWS; row++) {
            int token = random.nextInt(vocabulary);
            banned[row] = row % 3 == 0 ? new int[0] : new int[] {token, (token + row) % vocabulary};
            for (int b : banned[row]) {
                z[row * vocabulary + b] += lead;
            }
        }
        float[] without = z.clone();
        for (int row = 0; row < ROWS; row++) {
            for (int b : banned[row]) {
                without[row * vocabulary + b] = Float.NEGATIVE_INFINITY;
            }
        }
        double[] uniforms = random.doubles(ROWS).toArray();
        for (DType dtype : new DType[] {DType.FLOAT32, DType.BFLOAT16}) {
            int[][] none = new int[ROWS][0];
            assertArrayEquals(
                    draw(without, vocabulary, 0.9, none, uniforms, dtype),
                    draw(z, vocabulary, 0.9, banned, uniforms, dtype));
        }
    }

    @Test
    void saysWhereNothingCanBeDrawn() {
        int vocabulary = 64;
        float[] z = new float[4 * vocabulary];
        Arrays.fill(z, 0, vocabulary, Float.NEGATIVE_INFINITY);
        z[vocabulary + 3] = Float.NaN;
        z[2 * vocabulary + 3] = Float.POSITIVE_INFINITY;
        int[] ids = draw(z, vocabulary, 1, new double[] {0.1, 0.1, 0.1, 0.1});
        assertArrayEquals(new int[] {-1, -1, -1}, Arrays.copyOf(ids, 3));
        assertTrue(ids[3] >= 0);
    }
}
