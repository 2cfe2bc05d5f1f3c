package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// What is asked of rows of logits `z` over a vocabulary of `V` tokens: the target's
/// log-probability, other statistics of `p = softmax(z / T)`, and the gradient, which takes the
/// logits' place. Logits are read three times, and nothing else of their size is made.
public final class VocabularyKernel {
    /// The target's log-probability.
    public static final int LOG_PROB = 0;

    /// Mean of `z / T`.
    public static final int MEAN_LOGIT = 1;

    /// 1 if the target is the first of the largest logits, else 0.
    public static final int HIT = 2;

    /// `−Σ p log p`.
    public static final int ENTROPY = 3;

    /// `log Σ p²`.
    public static final int LOG_SUM_SQUARES = 4;

    /// Statistics of a row.
    public static final int STATISTICS = 5;

    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;
    private static final int SUM = 0;
    private static final int PRODUCT = 1;
    private static final int SQUARES = 2;
    private static final int SUMS = 3;

    private final int vocabulary;
    private final float inverse; // 1 / T
    private final double smoothing;

    /// @param vocabulary `V`, a multiple of the vector's length
    /// @param temperature `T`, > 0
    public VocabularyKernel(int vocabulary, double temperature) {
        this(vocabulary, temperature, 0);
    }

    /// With label smoothing `ε`: [#LOG_PROB] and its gradient are then those of
    /// ```
    /// (1 − ε) log p(target) + ε/V Σ log p(v)
    /// ```
    ///
    /// @param vocabulary `V`, a multiple of the vector's length
    /// @param temperature `T`, > 0
    /// @param smoothing `ε`, from 0 to 1
    public VocabularyKernel(int vocabulary, double temperature, double smoothing) {
        this.vocabulary = vocabulary;
        this.smoothing = smoothing;
        inverse = (float) (1 / temperature);
    }

    /// @param z a row for each target; replaced by the gradient if there are scales
    /// @param targets a token of each row
    /// @param scales factor of each row's gradient, `scale · (p − (1 − ε) e_target − ε/V)`; null
    ///     asks for none
    /// @param statistics written, [#STATISTICS] of each row
    public void run(Rows z, int[] targets, float[] scales, float[] statistics, int threads) {
        float[] sums = new float[SUMS * targets.length];
        float[] own = new float[targets.length]; // log p(target)
        KernelThreads.rows(
                threads,
                targets.length,
                1,
                (_, row) -> {
                    float largest = largest(z.half(), z.at(row, 0));
                    sums(z.half(), z.at(row, 0), largest, sums, row * SUMS);
                    own[row] = describe(z, row, targets[row], largest, sums, statistics);
                    if (scales != null) {
                        float factor = scales[row] / sums[row * SUMS + SUM];
                        float shift = (float) (-scales[row] * smoothing / vocabulary);
                        gradient(z.half(), z.at(row, 0), largest, factor, shift);
                        double p = Math.exp(own[row]);
                        double label = 1 - smoothing + smoothing / vocabulary;
                        float d = (float) (scales[row] * (p - label));
                        Vectors.put(z.half(), d, z.at(row, targets[row]));
                    }
                });
    }

    /// Returns the target's log-probability.
    private float describe(
            Rows z, int row, int target, float largest, float[] sums, float[] statistics) {
        float own = Vectors.number(z.half(), z.at(row, target));
        double sum = sums[row * SUMS + SUM];
        double log = Math.log(sum);
        int at = row * STATISTICS;
        float logProb = (float) ((own - largest) * inverse - log);
        float mean = total(z.half(), z.at(row, 0)) / vocabulary;
        statistics[at + LOG_PROB] =
                smoothing == 0
                        ? logProb
                        : smoothed((own - largest) * inverse, (mean - largest) * inverse, log);
        statistics[at + MEAN_LOGIT] = mean * inverse;
        boolean hit = own == largest && !occurs(z.half(), z.at(row, 0), target, largest);
        statistics[at + HIT] = hit ? 1 : 0;
        statistics[at + ENTROPY] = (float) (log - sums[row * SUMS + PRODUCT] / sum);
        statistics[at + LOG_SUM_SQUARES] = (float) (Math.log(sums[row * SUMS + SQUARES]) - 2 * log);
        return logProb;
    }

    private float smoothed(double own, double mean, double log) {
        return (float) ((1 - smoothing) * own + smoothing * mean - log);
    }

    private float largest(boolean half, long z) {
        int bytes = half ? Short.BYTES : FLOAT;
        FloatVector most = Vectors.all(Float.NEGATIVE_INFINITY);
        for (int k = 0; k < vocabulary; k += LANES) {
            most = Vectors.load(half, z + (long) k * bytes).max(most);
        }
        return Vectors.exact(most).reduceLanes(VectorOperators.MAX);
    }

    private float total(boolean half, long z) {
        int bytes = half ? Short.BYTES : FLOAT;
        FloatVector sum = Vectors.zero();
        for (int k = 0; k < vocabulary; k += LANES) {
            sum = Vectors.load(half, z + (long) k * bytes).add(sum);
        }
        return Vectors.sum(sum);
    }

    /// Computes, with `t = (z − largest) / T`, `Σ eᵗ`, `Σ t eᵗ` and `Σ e²ᵗ`.
    private void sums(boolean half, long z, float largest, float[] sums, int at) {
        int bytes = half ? Short.BYTES : FLOAT;
        FloatVector sum = Vectors.zero();
        FloatVector product = sum;
        FloatVector squares = sum;
        for (int k = 0; k < vocabulary; k += LANES) {
            FloatVector t = Vectors.load(half, z + (long) k * bytes).sub(largest).mul(inverse);
            FloatVector e = Vectors.exp(t);
            sum = e.add(sum);
            product = e.fma(t, product);
            squares = e.fma(e, squares);
        }
        sums[at + SUM] = Vectors.sum(sum);
        sums[at + PRODUCT] = Vectors.sum(product);
        sums[at + SQUARES] = Vectors.sum(squares);
    }

    private void gradient(boolean half, long z, float largest, float factor, float shift) {
        int bytes = half ? Short.BYTES : FLOAT;
        FloatVector scale = Vectors.all(factor);
        FloatVector shifts = Vectors.all(shift);
        for (int k = 0; k < vocabulary; k += LANES) {
            long at = z + (long) k * bytes;
            FloatVector e = Vectors.exp(Vectors.load(half, at).sub(largest).mul(inverse));
            Vectors.store(half, e.fma(scale, shifts), at);
        }
    }

    /// Whether one of the first `count` logits is `value`.
    private static boolean occurs(boolean half, long z, int count, float value) {
        int bytes = half ? Short.BYTES : FLOAT;
        int k = 0;
        for (; k + LANES <= count; k += LANES) {
            if (Vectors.load(half, z + (long) k * bytes).eq(value).anyTrue()) {
                return true;
            }
        }
        for (; k < count; k++) {
            if (Vectors.number(half, z + (long) k * bytes) == value) {
                return true;
            }
        }
        return false;
    }
}
