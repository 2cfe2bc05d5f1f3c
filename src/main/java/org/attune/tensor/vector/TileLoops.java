package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// What attention does with a tile of scores between products. A tile has a row for each key and a
/// column for each query, so that every lane has its own query: nothing is ever summed across
/// lanes. Rows are dense, `wide` a multiple of [Vectors#LANES].
final class TileLoops {
    /// Score of a masked key. Finite, since the difference of two infinities is not a number.
    static final float HIDDEN = -1e30f;

    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;
    private static final float LOG2_E = 1.44269504f;
    private static final FloatVector SCALE = Vectors.all(LOG2_E);

    private TileLoops() {}

    static void fill(long numbers, int count, float value) {
        FloatVector all = Vectors.all(value);
        for (int i = 0; i < count; i += LANES) {
            Vectors.store(all, numbers + (long) i * FLOAT);
        }
    }

    /// Hides keys behind the last that a query sees.
    ///
    /// @param key number of the first row's key
    /// @param limits last key of each column
    static void hideLater(long s, int key, int rows, int wide, long limits) {
        for (int t = 0; t < rows; t++) {
            long row = s + (long) t * wide * FLOAT;
            for (int c = 0; c < wide; c += LANES) {
                long at = row + (long) c * FLOAT;
                FloatVector last = Vectors.load(limits + (long) c * FLOAT);
                VectorMask<Float> hidden = last.compare(VectorOperators.LT, (float) (key + t));
                Vectors.store(Vectors.load(at).blend(HIDDEN, hidden), at);
            }
        }
    }

    /// Hides keys before the first that a query sees.
    static void hideEarlier(long s, int key, int rows, int wide, long limits, int window) {
        for (int t = 0; t < rows; t++) {
            long row = s + (long) t * wide * FLOAT;
            for (int c = 0; c < wide; c += LANES) {
                long at = row + (long) c * FLOAT;
                FloatVector last = Vectors.load(limits + (long) c * FLOAT);
                VectorMask<Float> hidden =
                        last.compare(VectorOperators.GE, (float) (key + t + window));
                Vectors.store(Vectors.load(at).blend(HIDDEN, hidden), at);
            }
        }
    }

    /// Updates each column's largest score.
    ///
    /// @param most `(wide)`, changed
    /// @param factors `(wide)`, written: `exp(before − after)`
    static void largest(long s, int rows, int wide, long most, long factors) {
        for (int c = 0; c < wide; c += LANES) {
            long column = (long) c * FLOAT;
            FloatVector before = Vectors.load(most + column);
            FloatVector m = before;
            for (int t = 0; t < rows; t++) {
                FloatVector x = Vectors.load(s + (long) t * wide * FLOAT + column);
                m = Vectors.exact(m).blend(x, x.compare(VectorOperators.GT, m));
            }
            Vectors.store(m, most + column);
            Vectors.store(Vectors.exp2(before.sub(m).mul(LOG2_E)), factors + column);
        }
    }

    /// Exponentials of scores less their column's largest, as pairs of bfloat16 numbers, and their
    /// sums.
    ///
    /// @param rows even
    /// @param sums `(wide)`; multiplied by `factors`, and added to
    /// @param pairs `(rows/2, wide, 2)`, written
    static void exponentials(
            long s, int rows, int wide, long most, long factors, long sums, long pairs) {
        // One after the other: two exponentials are too much for one method.
        scale(sums, 1, wide, factors);
        everySecond(s, false, rows, wide, most, sums, pairs);
        everySecond(s, true, rows, wide, most, sums, pairs);
    }

    /// The first numbers of all pairs, or then the second.
    private static void everySecond(
            long s, boolean second, int rows, int wide, long most, long sums, long pairs) {
        int kept = second ? -1 : 0;
        int shift = second ? 0 : Short.SIZE;
        long first = second ? s + (long) wide * FLOAT : s;
        for (int c = 0; c < wide; c += LANES) {
            long column = (long) c * FLOAT;
            FloatVector largest = Vectors.load(most + column).mul(-LOG2_E);
            FloatVector sum = Vectors.load(sums + column);
            for (int t = 0; t < rows; t += 2) {
                long at = first + (long) t * wide * FLOAT + column;
                FloatVector e = Vectors.exp2(Vectors.load(at).fma(SCALE, largest));
                sum = e.add(sum);
                long pair = pairs + (long) t / 2 * wide * FLOAT + column;
                Vectors.addToPairs(Vectors.nearest(e), shift, kept, pair);
            }
            Vectors.store(sum, sums + column);
        }
    }

    /// Adds up exponentials of scores, column by column, without writing them.
    static void addExponentials(long s, int rows, int wide, long most, long factors, long sums) {
        for (int c = 0; c < wide; c += LANES) {
            long column = (long) c * FLOAT;
            FloatVector shift = Vectors.load(most + column).mul(-LOG2_E);
            FloatVector sum = Vectors.load(sums + column).mul(Vectors.load(factors + column));
            for (int t = 0; t < rows; t++) {
                FloatVector x = Vectors.load(s + ((long) t * wide + c) * FLOAT);
                sum = Vectors.exp2(x.fma(SCALE, shift)).add(sum);
            }
            Vectors.store(sum, sums + column);
        }
    }

    /// What [#probabilities] subtracts of scores times `log₂ e`.
    ///
    /// @param most changed into it
    static void logSums(long most, long sums, int wide) {
        for (int c = 0; c < wide; c++) {
            long column = (long) c * FLOAT;
            double log = Math.log(Vectors.number(sums + column)) * LOG2_E;
            Vectors.put((float) (Vectors.number(most + column) * LOG2_E + log), most + column);
        }
    }

    /// Makes probabilities of scores, and a bfloat16 copy.
    ///
    /// @param logs of [#logSums]
    /// @param p `(rows, wide)`, written
    static void probabilities(long s, int rows, int wide, long logs, long p) {
        for (int c = 0; c < wide; c += LANES) {
            FloatVector shift = Vectors.load(logs + (long) c * FLOAT).neg();
            for (int t = 0; t < rows; t++) {
                long place = (long) t * wide + c;
                FloatVector x = Vectors.load(s + place * FLOAT);
                FloatVector e = Vectors.exp2(x.fma(SCALE, shift));
                Vectors.store(e, s + place * FLOAT);
                Vectors.storeUpper(Vectors.nearest(e), p + place * Short.BYTES);
            }
        }
    }

    /// `ds = p (dp − Σ p dp)`, as bfloat16 numbers.
    ///
    /// @param rows even
    /// @param means `Σ p dp` of each column
    /// @param ds `(rows, wide)`, written
    /// @param pairs `(rows/2, wide, 2)`, the same
    static void scoreGradients(
            long p, long dp, int rows, int wide, long means, long ds, long pairs) {
        for (int c = 0; c < wide; c += LANES) {
            FloatVector mean = Vectors.load(means + (long) c * FLOAT);
            for (int t = 0; t < rows; t += 2) {
                long place = (long) t * wide + c;
                IntVector low = scoreGradient(p, dp, place, mean);
                IntVector high = scoreGradient(p, dp, place + wide, mean);
                Vectors.storeUpper(low, ds + place * Short.BYTES);
                Vectors.storeUpper(high, ds + (place + wide) * Short.BYTES);
                Vectors.storePairs(low, high, pairs + ((long) t / 2 * wide + c) * FLOAT);
            }
        }
    }

    private static IntVector scoreGradient(long p, long dp, long place, FloatVector mean) {
        FloatVector d = Vectors.load(dp + place * FLOAT).sub(mean);
        return Vectors.nearest(d.mul(Vectors.load(p + place * FLOAT)));
    }

    /// Multiplies columns.
    static void scale(long x, int rows, int wide, long factors) {
        for (int c = 0; c < wide; c += LANES) {
            FloatVector factor = Vectors.load(factors + (long) c * FLOAT);
            for (int t = 0; t < rows; t++) {
                long at = x + ((long) t * wide + c) * FLOAT;
                Vectors.store(Vectors.load(at).mul(factor), at);
            }
        }
    }

    /// Makes pairs of bfloat16 numbers of pairs of rows, divided by `divisors`.
    ///
    /// @param to `(rows/2, wide, 2)`
    static void divideIntoPairs(long x, int rows, int wide, long divisors, long to) {
        for (int c = 0; c < wide; c += LANES) {
            FloatVector divisor = Vectors.load(divisors + (long) c * FLOAT);
            for (int t = 0; t < rows; t += 2) {
                long at = x + ((long) t * wide + c) * FLOAT;
                IntVector low = Vectors.nearest(Vectors.load(at).div(divisor));
                IntVector high =
                        Vectors.nearest(Vectors.load(at + (long) wide * FLOAT).div(divisor));
                Vectors.storePairs(low, high, to + ((long) t / 2 * wide + c) * FLOAT);
            }
        }
    }
}
