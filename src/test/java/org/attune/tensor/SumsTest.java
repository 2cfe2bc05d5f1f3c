package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.commons.rng.simple.RandomSource;
import org.junit.jupiter.api.Test;

class SumsTest {
    private static Tensor random(long seed, int rows, int columns) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(seed);
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return Tensor.of(Device.cpu(), values, rows, columns);
    }

    @Test
    void sumsAreRoundedAfterEachOperation() {
        Engine.run(
                () -> {
                    // one item of work and several, whole vectors and not
                    for (int[] size : new int[][] {{16, 576}, {1536, 576}, {7, 5}, {1, 16400}}) {
                        for (double factor : new double[] {1, 0.37}) {
                            for (DType dtype : new DType[] {DType.BFLOAT16, DType.FLOAT32}) {
                                add(size[0], size[1], factor, dtype, false);
                                add(size[0], size[1], factor, dtype, true);
                            }
                        }
                    }
                });
    }

    /// @param turned whether the sum is a transposed view
    private static void add(int rows, int columns, double factor, DType dtype, boolean turned) {
        try (var _ = TensorScope.open("test")) {
            Tensor sum = turned ? random(1, columns, rows).t() : random(1, rows, columns);
            Tensor addend = random(2, rows, columns).to(dtype);
            float[] expected = sum.contiguous().toFloats().clone();
            float[] added = addend.to(DType.FLOAT32).toFloats();
            for (int i = 0; i < expected.length; i++) {
                expected[i] += added[i] * (float) factor;
            }
            long before = TensorScope.liveTensors();
            Sums.add(sum, addend, factor);
            assertEquals(before, TensorScope.liveTensors());
            String what = "%d x %d, %s, times %s, turned: %s";
            assertArrayEquals(
                    expected,
                    sum.contiguous().toFloats(),
                    what.formatted(rows, columns, dtype, factor, turned));
        }
    }
}
