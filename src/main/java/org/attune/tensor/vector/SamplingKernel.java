package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// Draws tokens from rows of float32 logits `z` over a vocabulary of `V`: `p = softmax(z / T)`.
/// The logits are read three times, by a row's thread, and stay as they are.
public final class SamplingKernel {
    /// Tokens in a piece of the vocabulary. A token is drawn in two steps: a piece, then in it.
    private static final int PIECE = 256;

    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;

    /// Below, e^x counts as zero: nothing that is banned, or rounds to zero, may be drawn.
    private static final float LEAST_EXPONENT = -87f;

    private final int vocabulary;
    private final float inverse; // 1 / T

    /// @param vocabulary `V`, a multiple of the vector's length
    /// @param temperature `T`, > 0
    public SamplingKernel(int vocabulary, double temperature) {
        this.vocabulary = vocabulary;
        inverse = (float) (1 / temperature);
    }

    /// Bytes to work in.
    public long workBytes(int threads) {
        return threads * own();
    }

    private long own() {
        return (long) FLOAT * (pieces() + PIECE);
    }

    private int pieces() {
        return (vocabulary + PIECE - 1) / PIECE;
    }

    /// `log Σ exp(z / T)` of each row.
    ///
    /// @param sums written, one a row
    /// @param memory of [#workBytes]
    public void logSums(Rows z, float[] sums, long memory, int threads) {
        Team.rows(
                threads,
                sums.length,
                1,
                (thread, row) -> {
                    float largest = largest(z.at(row, 0));
                    long own = memory + thread * own();
                    sums[row] = logSum(largest, pieceSums(z.at(row, 0), largest, own));
                });
    }

    private float logSum(float largest, double sum) {
        return (float) (largest * (double) inverse + Math.log(sum));
    }

    /// Inverts the distribution function, in double precision.
    ///
    /// @param uniforms a random number in [0, 1) for each row
    /// @param ids written, one a row; -1 where no logit is finite, or one is NaN or infinite
    /// @param sums written, as by [#logSums]
    /// @param memory of [#workBytes]
    public void draw(Rows z, double[] uniforms, int[] ids, float[] sums, long memory, int threads) {
        Team.rows(
                threads,
                ids.length,
                1,
                (thread, row) -> {
                    long own = memory + thread * own();
                    float largest = largest(z.at(row, 0));
                    double total = pieceSums(z.at(row, 0), largest, own);
                    sums[row] = logSum(largest, total);
                    ids[row] = draw(z.at(row, 0), uniforms[row], largest, total, own);
                });
    }

    /// @param memory with the pieces' sums
    private int draw(long z, double uniform, float largest, double total, long memory) {
        if (!(total > 0) || Double.isInfinite(total)) {
            return -1;
        }
        int piece = above(memory, pieces(), uniform * total);
        double before = cumulative(memory, piece);
        double own = Vectors.number(memory + (long) piece * FLOAT);
        int first = piece * PIECE;
        int count = Math.min(PIECE, vocabulary - first);
        long weights = memory + (long) pieces() * FLOAT;
        exponentials(z + (long) first * FLOAT, count, largest, weights);
        // A share that was rounded up to 1 would be above all of the piece.
        double share = Math.min((uniform * total - before) / own, 1) * (1 - 1e-12);
        return first + above(weights, count, share * cumulative(weights, count));
    }

    /// The first of `count` numbers with which their running sum is above `bound`; else the last
    /// that isn't zero.
    private static int above(long numbers, int count, double bound) {
        double sum = 0;
        int last = 0;
        for (int i = 0; i < count; i++) {
            float number = Vectors.number(numbers + (long) i * FLOAT);
            sum += number;
            if (number > 0) {
                last = i;
                if (sum > bound) {
                    return i;
                }
            }
        }
        return last;
    }

    private static double cumulative(long numbers, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += Vectors.number(numbers + (long) i * FLOAT);
        }
        return sum;
    }

    private float largest(long z) {
        FloatVector most = Vectors.all(Float.NEGATIVE_INFINITY);
        for (int k = 0; k < vocabulary; k += LANES) {
            most = Vectors.load(z + (long) k * FLOAT).max(most);
        }
        return Vectors.exact(most).reduceLanes(VectorOperators.MAX);
    }

    /// Sums of the pieces' exponentials, less the largest logit.
    ///
    /// @param sums written, float32
    /// @return their sum
    private double pieceSums(long z, float largest, long sums) {
        double total = 0;
        for (int piece = 0; piece < pieces(); piece++) {
            int first = piece * PIECE;
            int count = Math.min(PIECE, vocabulary - first);
            float sum = sum(z + (long) first * FLOAT, count, largest);
            Vectors.put(sum, sums + (long) piece * FLOAT);
            total += sum;
        }
        return total;
    }

    private float sum(long z, int count, float largest) {
        FloatVector sum = Vectors.zero();
        for (int k = 0; k < count; k += LANES) {
            FloatVector t = Vectors.load(z + (long) k * FLOAT).sub(largest).mul(inverse);
            sum = weight(t).add(sum);
        }
        return Vectors.sum(sum);
    }

    private void exponentials(long z, int count, float largest, long to) {
        for (int k = 0; k < count; k += LANES) {
            FloatVector t = Vectors.load(z + (long) k * FLOAT).sub(largest).mul(inverse);
            Vectors.store(weight(t), to + (long) k * FLOAT);
        }
    }

    private static FloatVector weight(FloatVector t) {
        return Vectors.exp(t).blend(0, t.compare(VectorOperators.LT, LEAST_EXPONENT));
    }
}
