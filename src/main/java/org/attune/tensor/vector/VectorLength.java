package org.attune.tensor.vector;

/// Length of the vectors that kernels work with.
public final class VectorLength {
    /// Float32 numbers in a vector; rows and heads must be multiples of it.
    public static final int LANES = Vectors.LANES;

    private VectorLength() {}
}
