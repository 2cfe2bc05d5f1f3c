package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// The first half of a softmax.
final class Exponentials {
    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;

    private Exponentials() {}

    /// Replaces scores `from … to − 1` by exponentials of their distance to the largest, and the
    /// others by zeros.
    ///
    /// @param scores address of `wide` numbers
    /// @return their sum
    static float replace(long scores, int from, int to, int wide) {
        int begin = from / LANES * LANES;
        int end = (to + LANES - 1) / LANES * LANES;
        for (int t = 0; t < begin; t += LANES) {
            Vectors.store(FloatVector.zero(Vectors.FLOATS), scores + (long) t * FLOAT);
        }
        FloatVector least = FloatVector.broadcast(Vectors.FLOATS, Float.NEGATIVE_INFINITY);
        FloatVector most = least;
        for (int t = begin; t < end; t += LANES) {
            FloatVector x = Vectors.load(scores + (long) t * FLOAT);
            if (t < from || t + LANES > to) {
                x = least.blend(x, seen(from - t, to - t));
            }
            most = most.max(x);
        }
        float maximum = most.reduceLanes(VectorOperators.MAX);
        FloatVector sum = FloatVector.zero(Vectors.FLOATS);
        for (int t = begin; t < end; t += LANES) {
            FloatVector e = Vectors.exp(Vectors.load(scores + (long) t * FLOAT).sub(maximum));
            if (t < from || t + LANES > to) {
                e = FloatVector.zero(Vectors.FLOATS).blend(e, seen(from - t, to - t));
            }
            sum = sum.add(e);
            Vectors.store(e, scores + (long) t * FLOAT);
        }
        for (int t = end; t < wide; t += LANES) {
            Vectors.store(FloatVector.zero(Vectors.FLOATS), scores + (long) t * FLOAT);
        }
        return Vectors.sum(sum);
    }

    /// Lanes `from … to − 1`.
    private static VectorMask<Float> seen(int from, int to) {
        return Vectors.first(Math.min(to, LANES)).andNot(Vectors.first(Math.max(from, 0)));
    }
}
