package org.attune.tensor;

import static org.attune.testing.RandomMatrices.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ShapeException;
import org.junit.jupiter.api.Test;

class SumsTest {
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

    @Test
    void otherShapesAreRefused() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor addend = random(2, 16, 48).to(DType.BFLOAT16); // as many numbers
                        Tensor sum = random(1, 48, 16);
                        assertThrows(ShapeException.class, () -> Sums.add(sum, addend, 1));
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
