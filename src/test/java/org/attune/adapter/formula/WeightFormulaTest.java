package org.attune.adapter.formula;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.AttuneException;
import org.attune.files.JsonFields;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Each formula beside loops that follow its definition.
class WeightFormulaTest {
    private static final int OUT = 12;
    private static final int IN = 18;

    private final List<float[]> values = new ArrayList<>();
    private final float[] weight = random("weight", OUT * IN);

    private static float[] random(String name, int count) {
        var source = TinyModels.random(name);
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = source.nextFloat() - 0.5f;
        }
        return numbers;
    }

    /// `Δ` of random values, which are kept.
    private float[] delta(WeightFormula formula) {
        return delta(formula, IN, weight);
    }

    /// @param numbers of the weight, `(OUT, in)`
    private float[] delta(WeightFormula formula, int in, float[] numbers) {
        values.clear();
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        List<Tensor> tensors = new ArrayList<>();
                        for (WeightFormula.Part part : formula.parts(OUT, in)) {
                            int count =
                                    (int) Arrays.stream(part.shape()).reduce(1, (a, b) -> a * b);
                            values.add(random(part.suffix(), count));
                            tensors.add(Tensor.of(Devices.usual(), values.getLast(), part.shape()));
                        }
                        List<Tensor> shared = new ArrayList<>();
                        for (WeightFormula.Part s : formula.shared(OUT + 2, in + 3)) {
                            float[] own = s.start().values(s.shape(), null);
                            shared.add(Tensor.of(Devices.usual(), own, s.shape()));
                        }
                        Tensor base = Tensor.of(Devices.usual(), numbers, OUT, in);
                        return formula.delta(
                                        new WeightFormula.Base(OUT, in, () -> base, shared),
                                        tensors)
                                .toFloats();
                    }
                });
    }

    private static double dot(float[] a, int row, float[] b, int column, int size, int columns) {
        double sum = 0;
        for (int k = 0; k < size; k++) {
            sum += a[row * size + k] * b[k * columns + column];
        }
        return sum;
    }

    @Test
    void hadamardProduct() {
        float[] delta = delta(new HadamardProduct(3, 1.5));
        for (int i = 0; i < OUT; i++) {
            for (int j = 0; j < IN; j++) {
                double first = dot(values.get(0), i, values.get(1), j, 3, IN);
                double second = dot(values.get(2), i, values.get(3), j, 3, IN);
                assertClose(i + "," + j, 1.5 * first * second, delta[i * IN + j], 1e-6, 1e-5);
            }
        }
    }

    /// Divided evenly 12 = 3 · 4 and 18 = 3 · 6; by a factor 2, 2 · 6 and 2 · 9.
    @Test
    void kroneckerProduct() {
        for (int factor : new int[] {-1, 2}) {
            int rows = factor == 2 ? 2 : 3;
            int columns = factor == 2 ? 2 : 3;
            for (boolean both : new boolean[] {false, true}) {
                float[] delta = delta(new KroneckerProduct(1, 0.5, both, factor));
                boolean product = both && rows > 2;
                assertEquals(product ? 4 : 3, values.size());
                List<float[]> second = values.subList(product ? 2 : 1, values.size());
                for (int i = 0; i < OUT; i++) {
                    for (int j = 0; j < IN; j++) {
                        int m = OUT / rows;
                        int n = IN / columns;
                        double left =
                                product
                                        ? values.get(0)[i / m] * values.get(1)[j / n]
                                        : values.get(0)[i / m * columns + j / n];
                        double right = second.get(0)[i % m] * second.get(1)[j % n];
                        assertClose(i + "," + j, 0.5 * left * right, delta[i * IN + j], 1e-6, 1e-5);
                    }
                }
            }
        }
    }

    /// Rows of a rotated weight are as long as before, and `W'(I + Q)ᵀ = W(I − Q)ᵀ`.
    @Test
    void rotation() {
        int size = 6;
        float[] delta = delta(new Rotation(0, size, false, 0));
        for (int i = 0; i < OUT; i++) {
            for (int block = 0; block < IN / size; block++) {
                for (int j = 0; j < size; j++) {
                    double left = 0;
                    double right = 0;
                    for (int k = 0; k < size; k++) {
                        int at = i * IN + block * size + k;
                        double q = skew(values.getFirst(), block, j, k, size);
                        left += (weight[at] + delta[at]) * ((j == k ? 1 : 0) + q);
                        right += weight[at] * ((j == k ? 1 : 0) - q);
                    }
                    assertClose(i + "," + j, right, left, 1e-5, 1e-5);
                }
            }
        }
        // Small ones are what the series gives too.
        assertEquals(IN / 3, new Rotation(0, 4, false, 5).parts(OUT, IN).getFirst().shape()[0]);
        assertEquals(1, new Rotation(3, 0, true, 5).parts(OUT, IN).getFirst().shape()[0]);
    }

    private static double skew(float[] upper, int block, int row, int column, int size) {
        if (row == column) {
            return 0;
        }
        int first = Math.min(row, column);
        int second = Math.max(row, column);
        int place = first * (2 * size - first - 1) / 2 + second - first - 1;
        float value = upper[block * size * (size - 1) / 2 + place];
        return row < column ? value : -value;
    }

    /// `W'(I + Q)ᵀ = diag(s) W(I − Q)ᵀ`, where `Q` is what is skew-symmetric in the given blocks.
    @Test
    void scaledRotation() {
        int size = 3;
        float[] delta = delta(new ScaledRotation(IN / size, 0, 1));
        float[] r = values.get(0);
        for (int i = 0; i < OUT; i++) {
            for (int j = 0; j < IN; j++) {
                double left = 0;
                double right = 0;
                for (int k = j / size * size; k < j / size * size + size; k++) {
                    int block = j / size * size * size;
                    double q =
                            (r[block + j % size * size + k % size]
                                            - r[block + k % size * size + j % size])
                                    / 2;
                    int at = i * IN + k;
                    left += (weight[at] + delta[at]) * ((j == k ? 1 : 0) + q);
                    right += values.get(1)[i] * weight[at] * ((j == k ? 1 : 0) - q);
                }
                assertClose(i + "," + j, right, left, 1e-5, 1e-5);
            }
        }
    }

    /// Factors as whole matrices: of each group of blocks, even halves come before odd ones.
    @Test
    void butterflyFactors() {
        int in = 24;
        float[] numbers = random("wide", OUT * in);
        for (int size : new int[] {2, 6}) {
            int factors = size == 2 ? 3 : 2;
            float[] delta = delta(new ScaledRotation(0, size, factors), in, numbers);
            double[][] product = new double[OUT][in];
            for (int i = 0; i < OUT; i++) {
                for (int j = 0; j < in; j++) {
                    product[i][j] = numbers[i * in + j];
                }
            }
            for (int factor = 0; factor < factors; factor++) {
                double[][] p = permutation(in, size, factor);
                double[][] blocks = blocks(values.get(0), in, size, factor);
                product = times(times(times(product, p), transposed(blocks)), transposed(p));
            }
            for (int i = 0; i < OUT; i++) {
                for (int j = 0; j < in; j++) {
                    double expected = product[i][j] * values.get(1)[i] - numbers[i * in + j];
                    assertClose(size + ":" + i + "," + j, expected, delta[i * in + j], 1e-5, 1e-5);
                }
            }
        }
        for (int factors : new int[] {0, 4, 64}) {
            var refused = FormulaKind.BOFT.defaults().with("boft_n_butterfly_factor", factors);
            assertThrows(
                    AttuneException.class,
                    () -> FormulaKind.BOFT.formula(refused).parts(OUT, in),
                    factors + "");
        }
    }

    private static double[][] permutation(int in, int size, int factor) {
        int group = size << factor;
        List<Integer> halves = new ArrayList<>();
        for (int first = 0; first < 2; first++) {
            for (int half = first; half < 2 << factor; half += 2) {
                halves.add(half);
            }
        }
        double[][] p = new double[in][in];
        for (int row = 0; row < in; row++) {
            int half = halves.get(row % group / (size / 2));
            p[row][row / group * group + half * size / 2 + row % (size / 2)] = 1;
        }
        return p;
    }

    /// `(I − Q)(I + Q)⁻¹ = 2 (I + Q)⁻¹ − I` of each block.
    private static double[][] blocks(float[] r, int in, int size, int factor) {
        double[][] all = new double[in][in];
        for (int block = 0; block < in / size; block++) {
            double[][] sum = new double[size][size];
            int at = (factor * in / size + block) * size * size;
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < size; j++) {
                    double q = (r[at + i * size + j] - r[at + j * size + i]) / 2;
                    sum[i][j] = (i == j ? 1 : 0) + q;
                }
            }
            double[][] inverse = inverse(sum);
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < size; j++) {
                    all[block * size + i][block * size + j] = 2 * inverse[i][j] - (i == j ? 1 : 0);
                }
            }
        }
        return all;
    }

    /// By Gauss and Jordan.
    private static double[][] inverse(double[][] a) {
        int n = a.length;
        double[][] inverse = new double[n][n];
        for (int i = 0; i < n; i++) {
            inverse[i][i] = 1;
        }
        for (int pivot = 0; pivot < n; pivot++) {
            double d = a[pivot][pivot]; // ≥ 1: the symmetric part of I + Q is I
            for (int j = 0; j < n; j++) {
                a[pivot][j] /= d;
                inverse[pivot][j] /= d;
            }
            for (int i = 0; i < n; i++) {
                double f = i == pivot ? 0 : a[i][pivot];
                for (int j = 0; j < n; j++) {
                    a[i][j] -= f * a[pivot][j];
                    inverse[i][j] -= f * inverse[pivot][j];
                }
            }
        }
        return inverse;
    }

    private static double[][] transposed(double[][] a) {
        double[][] t = new double[a[0].length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a[0].length; j++) {
                t[j][i] = a[i][j];
            }
        }
        return t;
    }

    private static double[][] times(double[][] a, double[][] b) {
        double[][] c = new double[a.length][b[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < b[0].length; j++) {
                for (int k = 0; k < b.length; k++) {
                    c[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return c;
    }

    /// The matrices are larger than the module.
    @Test
    void sharedProduct() {
        int rank = 4;
        var formula = new SharedProduct(rank, 0.1, 3, true);
        float[] delta = delta(formula);
        float[] a = formula.shared(OUT + 2, IN + 3).get(0).start().values(null, null);
        float[] b = formula.shared(OUT + 2, IN + 3).get(1).start().values(null, null);
        for (int i = 0; i < OUT; i++) {
            for (int j = 0; j < IN; j++) {
                double sum = 0;
                for (int k = 0; k < rank; k++) {
                    double left = values.get(0)[i] * b[i * rank + k];
                    sum += left * values.get(1)[k] * a[k * (IN + 3) + j];
                }
                assertClose(i + "," + j, sum, delta[i * IN + j], 1e-6, 1e-5);
            }
        }
    }

    /// What PyTorch gives for seed 3, bit by bit.
    @Test
    void sharedMatricesArePyTorchs() {
        var shared = new SharedProduct(16, 0.1, 3, false).shared(64, 64);
        float[] a = shared.get(0).start().values(null, null);
        assertArrayEquals(
                new float[] {-0.30357537f, -0.24153847f, -0.13114417f, -0.28967983f},
                Arrays.copyOf(a, 4));
        float[] b = shared.get(1).start().values(null, null);
        assertArrayEquals(
                new float[] {-0.10804408f, 0.38360617f, -0.23752365f, -0.050836515f},
                Arrays.copyOf(b, 4));
    }

    /// Places of seed 777, by PyTorch's `randperm`, in its order.
    @Test
    void spectralUpdate() {
        int count = 5;
        float[] delta = delta(new SpectralUpdate(count, 2.5, 777));
        long[] places = TorchPermutation.first(count, OUT * IN, 777);
        for (int p = 0; p < OUT; p++) {
            for (int q = 0; q < IN; q++) {
                double sum = 0;
                for (int k = 0; k < count; k++) {
                    long u = places[k] / IN;
                    long v = places[k] % IN;
                    double turns = (double) (p * u) / OUT + (double) (q * v) / IN;
                    sum += values.getFirst()[k] * Math.cos(2 * Math.PI * turns);
                }
                double expected = 2.5 / (OUT * IN) * sum;
                assertClose(p + "," + q, expected, delta[p * IN + q], 1e-7, 1e-5);
            }
        }
    }

    /// The first numbers are what PyTorch gives.
    @Test
    void permutation() {
        assertArrayEquals(
                new long[] {2, 6, 1, 8, 4, 5, 0, 9, 3, 7}, TorchPermutation.first(10, 10, 42));
        long[] all = TorchPermutation.first(1000, 1000, 42);
        assertEquals(1000, Arrays.stream(all).distinct().count());
        assertEquals(499_500, Arrays.stream(all).sum());
        assertArrayEquals(
                Arrays.copyOf(all, 10), TorchPermutation.first(10, 1000, 42), "the first of all");
    }

    @Test
    void reflections() {
        float[] delta = delta(new Reflections(2, false));
        for (int i = 0; i < OUT; i++) {
            double[] row = new double[IN];
            for (int j = 0; j < IN; j++) {
                row[j] = weight[i * IN + j];
            }
            for (int r = 0; r < 2; r++) {
                mirror(row, values.getFirst(), r);
            }
            for (int j = 0; j < IN; j++) {
                double changed = row[j] - weight[i * IN + j];
                assertClose(i + "," + j, changed, delta[i * IN + j], 1e-5, 1e-5);
            }
        }
    }

    private static void mirror(double[] row, float[] vectors, int number) {
        double length = 0;
        double along = 0;
        for (int j = 0; j < IN; j++) {
            length += vectors[2 * j + number] * vectors[2 * j + number];
            along += vectors[2 * j + number] * row[j];
        }
        for (int j = 0; j < IN; j++) {
            row[j] -= 2 * along / length * vectors[2 * j + number];
        }
    }

    @Test
    void valuesThatAreNotComputedAreRefusedByName() {
        Map<FormulaKind, Map<String, Object>> refused =
                Map.of(
                        FormulaKind.LOHA, Map.of("use_khatri_rao", true),
                        FormulaKind.LOKR, Map.of("decompose_both", "yes"),
                        FormulaKind.OFT, Map.of("coft", true),
                        FormulaKind.BOFT, Map.of("boft_n_butterfly_factor", "2"),
                        FormulaKind.FOURIERFT, Map.of("alpha", 0.1),
                        FormulaKind.HRA, Map.of("bias", "all"));
        refused.forEach(
                (kind, fields) -> {
                    String key = fields.keySet().iterator().next();
                    JsonFields json = JsonFields.of("adapter_config.json", fields);
                    var error = assertThrows(AttuneException.class, () -> kind.read(json));
                    assertTrue(error.getMessage().contains(key), error.getMessage());
                    assertTrue(error.getMessage().contains("accepted: "), error.getMessage());
                });
        FormulaOptions both = FormulaKind.OFT.defaults().with("r", 4);
        var error = assertThrows(AttuneException.class, () -> FormulaKind.OFT.formula(both));
        assertTrue(error.getMessage().contains("oft_block_size"), error.getMessage());
    }
}
