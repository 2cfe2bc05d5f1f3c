package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;

/// What tests of kernels share.
final class KernelChecks {
    private static final double EXACT = 2e-6;

    private KernelChecks() {}

    static UniformRandomProvider random() {
        return RandomSource.XO_RO_SHI_RO_128_PP.create(7L);
    }

    /// Numbers between -1 and 1.
    static float[] numbers(UniformRandomProvider random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = 2 * random.nextFloat() - 1;
        }
        return values;
    }

    /// A float32 matrix.
    static Tensor rows(float[] values, int rows) {
        return Tensor.of(Device.cpu(), values, rows, values.length / rows);
    }

    /// Asserts that numbers are those of a computation in double precision.
    static void close(double[] expected, float[] actual, String what) {
        assertEquals(expected.length, actual.length, what);
        for (int i = 0; i < expected.length; i++) {
            double tolerance = EXACT * (1 + Math.abs(expected[i]));
            assertEquals(expected[i], actual[i], tolerance, what + ", number " + i);
        }
    }
}
