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
        values.clear();
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        List<Tensor> tensors = new ArrayList<>();
                        for (WeightFormula.Part part : formula.parts(OUT, IN)) {
                            int count =
                                    (int) Arrays.stream(part.shape()).reduce(1, (a, b) -> a * b);
                            values.add(random(part.suffix(), count));
                            tensors.add(Tensor.of(Devices.usual(), values.getLast(), part.shape()));
                        }
                        Tensor base = Tensor.of(Devices.usual(), weight, OUT, IN);
                        return formula.delta(new WeightFormula.Base(OUT, IN, () -> base), tensors)
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
        float[] delta = delta(new ScaledRotation(IN / size, 0));
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
                        FormulaKind.BOFT, Map.of("boft_n_butterfly_factor", 2),
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
