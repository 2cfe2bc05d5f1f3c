package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// `y ← y + c x` of float32 numbers `y` and bfloat16 ones `x`, rounded after each operation.
public final class AddKernel {
    /// What counts of numbers are a multiple of.
    public static final int MULTIPLE = Vectors.LANES;

    /// Numbers of an item of work.
    private static final int CHUNK = 1 << 14;

    private AddKernel() {}

    /// @param x address of the first
    /// @param factor `c`
    /// @param y likewise; changed
    /// @param count a multiple of [#MULTIPLE]
    public static void run(long x, float factor, long y, long count, int threads) {
        KernelThreads.ranges(
                threads,
                count,
                CHUNK,
                (from, numbers) ->
                        add(x + from * Short.BYTES, factor, y + from * Float.BYTES, numbers));
    }

    private static void add(long x, float factor, long y, int count) {
        for (int i = 0; i < count; i += Vectors.LANES) {
            FloatVector v = Vectors.load(true, x + (long) i * Short.BYTES).mul(factor);
            long at = y + (long) i * Float.BYTES;
            Vectors.store(Vectors.load(at).add(v), at);
        }
    }
}
