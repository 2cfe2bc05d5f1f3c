package org.attune.model.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Arrays;

class DropoutTest {
    private static float[] mask(Dropout dropout, String path, DType dtype, long... shape) {
        return mask(Device.cpu(), dropout.mask(path), dtype, shape);
    }

    private static float[] mask(Device device, Dropout.Mask mask, DType dtype, long... shape) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        return mask.ones(Tensor.empty(device, dtype, shape)).toFloats();
                    }
                });
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#gpus")
    void aGpuDrawsTheSameBits(Device device) {
        long[][] shapes = {{1}, {3}, {5, 8}, {7, 13}, {2, 3, 6}, {64, 130}};
        for (long seed = 0; seed < 20; seed++) {
            var dropout = new Dropout(0.05 + seed / 30.0, seed * 7919 - 3);
            for (long[] shape : shapes) {
                for (long row : new long[] {0, 1, 4097}) {
                    Dropout.Mask mask = dropout.mask("q_proj").from(row);
                    DType dtype = seed % 2 == 0 ? DType.FLOAT32 : DType.BFLOAT16;
                    assertArrayEquals(
                            mask(Device.cpu(), mask, dtype, shape),
                            mask(device, mask, dtype, shape),
                            () -> Arrays.toString(shape) + " from row " + row);
                }
            }
        }
    }

    private static double mean(float[] values) {
        double sum = 0;
        for (float v : values) {
            assertTrue(v == 0 || v == 1, () -> "neither kept nor dropped: " + v);
            sum += v;
        }
        return sum / values.length;
    }

    @Test
    void dropsTheShareThatWasAskedFor() {
        for (double p : new double[] {0.01, 0.05, 0.1, 0.3, 0.5, 0.9}) {
            var dropout = new Dropout(p, 42);
            int n = 1_000_000;
            double kept = mean(mask(dropout, "q_proj", DType.BFLOAT16, n));
            double deviation = Math.sqrt(p * (1 - p) / n);
            assertEquals(1 - p, kept, 4 * deviation + 2e-5, "p " + p);
            assertEquals(
                    1, kept * dropout.mask("q_proj").scale(), 5 * deviation / (1 - p), "p " + p);
        }
    }

    /// A mask in stripes would have the right share too.
    @Test
    void neighboursAreIndependent() {
        float[] kept = mask(new Dropout(0.5, 1), "q_proj", DType.BFLOAT16, 1_000_000);
        for (int lag : new int[] {1, 2, 3, 4, 5, 8, 64, 576}) {
            double both = 0;
            for (int i = lag; i < kept.length; i++) {
                both += (kept[i] - 0.5) * (kept[i - lag] - 0.5);
            }
            assertEquals(0, both / kept.length, 0.0012, "lag " + lag); // four deviations and more
        }
    }

    @Test
    void followsFromSeedAndModuleAlone() {
        float[] mask = mask(new Dropout(0.5, 3), "a", DType.FLOAT32, 7, 11);
        assertArrayEquals(mask, mask(new Dropout(0.5, 3), "a", DType.FLOAT32, 7, 11));
        assertArrayEquals(mask, mask(new Dropout(0.5, 3), "a", DType.BFLOAT16, 7, 11));
        assertFalse(Arrays.equals(mask, mask(new Dropout(0.5, 4), "a", DType.FLOAT32, 7, 11)));
        assertFalse(Arrays.equals(mask, mask(new Dropout(0.5, 3), "b", DType.FLOAT32, 7, 11)));
    }

    @Test
    void fillsShapesThatAreNoMultipleOfFour() {
        for (int n = 1; n < 10; n++) {
            assertEquals(n, mask(new Dropout(0.5, 5), "a", DType.BFLOAT16, n).length);
            assertTrue(mean(mask(new Dropout(0.999, 5), "a", DType.BFLOAT16, 1, n)) <= 1);
        }
    }

    /// In one pass over the rows or by a mask, of all rows or of some, the same elements stay.
    @Test
    void dropsTheSameElementsInPlaceAndOfSomeRows() {
        Dropout.Mask mask = new Dropout(0.3, 8).mask("q_proj");
        for (DType dtype : new DType[] {DType.BFLOAT16, DType.FLOAT32}) {
            for (int width : new int[] {32, 96, 576, 50}) {
                int rows = width == 576 ? 301 : 9; // enough for several threads
                Engine.run(
                        () -> {
                            try (var _ = TensorScope.open("test")) {
                                Tensor wide = numbers(dtype, rows, width + 16);
                                Tensor x = wide.narrow(1, 0, width);
                                float[] expected = x.mul(mask.ones(x)).toFloats();
                                String where = dtype + " " + width;
                                assertArrayEquals(expected, mask.of(x).toFloats(), where);
                                assertArrayEquals(
                                        Arrays.copyOfRange(expected, 3 * width, 7 * width),
                                        mask.from(3).of(x.narrow(0, 3, 4)).toFloats(),
                                        where);
                                mask.inPlace(x);
                                assertArrayEquals(expected, x.toFloats(), where);
                                assertArrayEquals(
                                        numbers(dtype, rows, width + 16)
                                                .narrow(1, width, 16)
                                                .toFloats(),
                                        wide.narrow(1, width, 16).toFloats(),
                                        where);
                            }
                        });
            }
        }
    }

    private static Tensor numbers(DType dtype, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = i % 251 + 1;
        }
        return Tensor.of(Device.cpu(), values, rows, columns).to(dtype);
    }
}
