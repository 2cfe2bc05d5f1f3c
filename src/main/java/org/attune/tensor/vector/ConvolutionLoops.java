package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// Loops over the features of a row, for short convolutions and what stands behind a recurrence.
final class ConvolutionLoops {
    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;

    private ConvolutionLoops() {}

    /// `to = x w`.
    static void product(boolean half, long x, long w, int count, long to) {
        long bytes = half ? Short.BYTES : FLOAT;
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            Vectors.store(Vectors.load(half, x + k * bytes).mul(Vectors.load(w + at)), to + at);
        }
    }

    /// `to += x w`.
    static void add(boolean half, long x, long w, int count, long to) {
        long bytes = half ? Short.BYTES : FLOAT;
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            FloatVector own = Vectors.load(half, x + k * bytes);
            Vectors.store(own.fma(Vectors.load(w + at), Vectors.load(to + at)), to + at);
        }
    }

    /// `to = x σ(x)`.
    static void silu(long x, int count, long to) {
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            FloatVector own = Vectors.load(x + at);
            Vectors.store(own.mul(Vectors.sigmoid(own)), to + at);
        }
    }

    /// `to = d silu'(x)`.
    static void siluBackward(long x, long d, int count, long to) {
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            FloatVector own = Vectors.load(x + at);
            FloatVector s = Vectors.sigmoid(own);
            // σ (1 + x (1 - σ)) = σ + x σ - x σ σ
            FloatVector y = own.mul(s);
            FloatVector slope = s.add(y).sub(y.mul(s));
            Vectors.store(Vectors.load(d + at).mul(slope), to + at);
        }
    }

    /// `to = o r w silu(z)`.
    static void gate(boolean half, long o, float r, long w, long z, int count, long to) {
        long bytes = half ? Short.BYTES : FLOAT;
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            FloatVector gate = Vectors.load(half, z + k * bytes);
            FloatVector n = Vectors.load(o + at).mul(r).mul(Vectors.load(w + at));
            Vectors.store(half, n.mul(gate.mul(Vectors.sigmoid(gate))), to + k * bytes);
        }
    }

    /// `to = x`.
    static void widen(boolean half, long x, int count, long to) {
        long bytes = half ? Short.BYTES : FLOAT;
        for (int k = 0; k < count; k += LANES) {
            Vectors.store(Vectors.load(half, x + k * bytes), to + (long) k * FLOAT);
        }
    }

    /// `to = factor · from · d w`.
    ///
    /// @param half whether `d` is bfloat16
    /// @param as whether `to` is
    static void weigh(
            boolean half, long d, long w, float factor, long from, int count, boolean as, long to) {
        long bytes = half ? Short.BYTES : FLOAT;
        long toBytes = as ? Short.BYTES : FLOAT;
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            FloatVector weighed = Vectors.load(half, d + k * bytes).mul(Vectors.load(w + at));
            Vectors.store(as, weighed.mul(Vectors.load(from + at)).mul(factor), to + k * toBytes);
        }
    }
}
