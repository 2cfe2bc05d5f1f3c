package org.attune.testing;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

/// Matrices of random numbers.
public final class RandomMatrices {
    private RandomMatrices() {}

    /// Float32 numbers in [-0.5, 0.5), in the current scope.
    public static Tensor random(long seed, int rows, int columns) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(seed);
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return Tensor.of(Device.cpu(), values, rows, columns);
    }
}
