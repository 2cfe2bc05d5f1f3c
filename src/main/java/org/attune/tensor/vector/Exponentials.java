package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
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
        // Whole vectors are computed; what is not seen in the first and the last counts for
        // nothing.
        fill(scores, begin, from, Float.NEGATIVE_INFINITY);
        fill(scores, to, end, Float.NEGATIVE_INFINITY);
        float sum = exponentials(scores, begin, end, largest(scores, begin, end));
        fill(scores, 0, from, 0);
        fill(scores, to, wide, 0);
        return sum;
    }

    private static void fill(long numbers, int from, int to, float value) {
        for (int t = from; t < to; t++) {
            Vectors.put(value, numbers + (long) t * FLOAT);
        }
    }

    private static float largest(long scores, int begin, int end) {
        FloatVector most = Vectors.all(Float.NEGATIVE_INFINITY);
        for (int t = begin; t < end; t += LANES) {
            most = Vectors.load(scores + (long) t * FLOAT).max(most);
        }
        return Vectors.exact(most).reduceLanes(VectorOperators.MAX);
    }

    private static float exponentials(long scores, int begin, int end, float largest) {
        FloatVector sum = Vectors.zero();
        for (int t = begin; t < end; t += LANES) {
            long at = scores + (long) t * FLOAT;
            FloatVector e = Vectors.exp(Vectors.load(at).sub(largest));
            sum = e.add(sum);
            Vectors.store(e, at);
        }
        return Vectors.sum(sum);
    }
}
