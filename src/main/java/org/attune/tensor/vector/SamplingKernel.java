package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

import java.util.Arrays;

/// Draws tokens from rows of logits `z` over a vocabulary of `V`: `p = softmax(z / T)`, in float32.
/// The logits, float32 or bfloat16, are read twice, by a row's thread, and stay as they are.
public final class SamplingKernel {
    /// Tokens in a piece of the vocabulary. A token is drawn in two steps: a piece, then in it.
    private static final int PIECE = 256;

    private static final int FLOAT = Float.BYTES;
    private static final int HALF = Short.BYTES;
    private static final int LANES = Vectors.LANES;

    /// Below, e^x counts as zero: nothing that is banned, or rounds to zero, may be drawn.
    private static final float LEAST_EXPONENT = -87f;

    /// A row.
    private record Logits(boolean half, long address) {
        long at(int token) {
            return address + (long) token * (half ? HALF : FLOAT);
        }

        float number(int token) {
            return Vectors.number(half, at(token));
        }
    }

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
        KernelThreads.rows(
                threads,
                sums.length,
                1,
                (thread, row) -> {
                    var logits = new Logits(z.half(), z.at(row, 0));
                    float largest = largest(logits);
                    long own = memory + thread * own();
                    sums[row] = logSum(largest, pieceSums(logits, largest, own));
                });
    }

    private float logSum(float largest, double sum) {
        return (float) (largest * (double) inverse + Math.log(sum));
    }

    /// Inverts the distribution function, in double precision.
    ///
    /// @param banned tokens of each row that may not be drawn
    /// @param uniforms a random number in [0, 1) for each row
    /// @param ids written, one a row; -1 where no logit is finite, or one is NaN or infinite
    /// @param sums written, as by [#logSums]: those of all tokens, banned or not
    /// @param memory of [#workBytes]
    public void draw(
            Rows z,
            int[][] banned,
            double[] uniforms,
            int[] ids,
            float[] sums,
            long memory,
            int threads) {
        KernelThreads.rows(
                threads,
                ids.length,
                1,
                (thread, row) -> {
                    long own = memory + thread * own();
                    var logits = new Logits(z.half(), z.at(row, 0));
                    float largest = largest(logits);
                    double total = pieceSums(logits, largest, own);
                    sums[row] = logSum(largest, total);
                    ids[row] = draw(logits, banned[row], uniforms[row], largest, total, own);
                });
    }

    /// @param memory with the pieces' sums
    private int draw(
            Logits z, int[] banned, double uniform, float largest, double sum, long memory) {
        if (!(sum > 0) || Double.isInfinite(sum)) {
            return -1;
        }
        float most = largest;
        double total = sum;
        if (banned.length > 0) {
            if (largest(z, banned) == largest) { // the others may be too small beside it
                most = largestBut(z, banned);
                pieceSums(z, most, memory);
            }
            total = sumWithout(z, banned, most, memory);
            if (!(total > 0)) {
                return -1;
            }
        }
        int piece = above(memory, pieces(), uniform * total);
        double before = cumulative(memory, piece);
        double own = Vectors.number(memory + (long) piece * FLOAT);
        int count = weights(z, piece, banned, most, memory);
        long weights = memory + (long) pieces() * FLOAT;
        // A share that was rounded up to 1 would be above all of the piece.
        double share = Math.min((uniform * total - before) / own, 1) * (1 - 1e-12);
        return piece * PIECE + above(weights, count, share * cumulative(weights, count));
    }

    private static float largest(Logits z, int[] tokens) {
        float most = Float.NEGATIVE_INFINITY;
        for (int token : tokens) {
            most = Math.max(most, z.number(token));
        }
        return most;
    }

    private float largestBut(Logits z, int[] banned) {
        float most = Float.NEGATIVE_INFINITY;
        for (int k = 0; k < vocabulary; k++) {
            float number = z.number(k);
            int token = k;
            if (number > most && Arrays.stream(banned).noneMatch(b -> b == token)) {
                most = number;
            }
        }
        return most;
    }

    /// Takes banned tokens out of their pieces' sums.
    ///
    /// @return sum of all pieces
    private double sumWithout(Logits z, int[] banned, float largest, long memory) {
        long weights = memory + (long) pieces() * FLOAT;
        for (int token : banned) {
            int piece = token / PIECE;
            int count = weights(z, piece, banned, largest, memory);
            Vectors.put(sumOf(weights, count), memory + (long) piece * FLOAT);
        }
        return cumulative(memory, pieces());
    }

    /// Writes the exponentials of a piece behind the sums, zeros for banned tokens.
    ///
    /// @return their number
    private int weights(Logits z, int piece, int[] banned, float largest, long memory) {
        int first = piece * PIECE;
        int count = Math.min(PIECE, vocabulary - first);
        long weights = memory + (long) pieces() * FLOAT;
        exponentials(z.half(), z.at(first), count, largest, weights);
        for (int token : banned) {
            if (token >= first && token < first + count) {
                Vectors.put(0, weights + (long) (token - first) * FLOAT);
            }
        }
        return count;
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

    private float largest(Logits z) {
        return largest(z.half(), z.address(), vocabulary);
    }

    private static float largest(boolean half, long z, int count) {
        long bytes = half ? HALF : FLOAT;
        FloatVector most = Vectors.all(Float.NEGATIVE_INFINITY);
        for (int k = 0; k < count; k += LANES) {
            most = Vectors.load(half, z + k * bytes).max(most);
        }
        return Vectors.exact(most).reduceLanes(VectorOperators.MAX);
    }

    /// Sums of the pieces' exponentials, less the largest logit.
    ///
    /// @param sums written, float32
    /// @return their sum
    private double pieceSums(Logits z, float largest, long sums) {
        double total = 0;
        for (int piece = 0; piece < pieces(); piece++) {
            int first = piece * PIECE;
            int count = Math.min(PIECE, vocabulary - first);
            float sum = sum(z.half(), z.at(first), count, largest);
            Vectors.put(sum, sums + (long) piece * FLOAT);
            total += sum;
        }
        return total;
    }

    private float sum(boolean half, long z, int count, float largest) {
        long bytes = half ? HALF : FLOAT;
        FloatVector sum = Vectors.zero();
        for (int k = 0; k < count; k += LANES) {
            FloatVector t = Vectors.load(half, z + k * bytes).sub(largest).mul(inverse);
            sum = weight(t).add(sum);
        }
        return Vectors.sum(sum);
    }

    /// The sum that [#sum] made of these.
    private static float sumOf(long weights, int count) {
        FloatVector sum = Vectors.zero();
        for (int k = 0; k < count; k += LANES) {
            sum = Vectors.load(weights + (long) k * FLOAT).add(sum);
        }
        return Vectors.sum(sum);
    }

    private void exponentials(boolean half, long z, int count, float largest, long to) {
        long bytes = half ? HALF : FLOAT;
        for (int k = 0; k < count; k += LANES) {
            FloatVector t = Vectors.load(half, z + k * bytes).sub(largest).mul(inverse);
            Vectors.store(weight(t), to + (long) k * FLOAT);
        }
    }

    private static FloatVector weight(FloatVector t) {
        return Vectors.exp(t).blend(0, t.compare(VectorOperators.LT, LEAST_EXPONENT));
    }
}
