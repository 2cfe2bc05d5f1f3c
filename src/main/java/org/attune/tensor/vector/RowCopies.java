package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// Copies between rows of tensors and float32 numbers in memory of our own.
final class RowCopies {
    private RowCopies() {}

    /// Reads a row of a tensor as float32.
    ///
    /// @param count a multiple of [Vectors#LANES]
    static void read(boolean half, long from, int count, long to) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        for (int k = 0; k < count; k += Vectors.LANES) {
            Vectors.store(Vectors.load(half, from + k * bytes), to + (long) k * Float.BYTES);
        }
    }

    /// Writes a row of float32 times `factor` into a tensor.
    ///
    /// @param count a multiple of [Vectors#LANES]
    static void write(long from, float factor, int count, boolean half, long to) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        for (int k = 0; k < count; k += Vectors.LANES) {
            FloatVector v = Vectors.load(from + (long) k * Float.BYTES).mul(factor);
            Vectors.store(half, v, to + k * bytes);
        }
    }
}
