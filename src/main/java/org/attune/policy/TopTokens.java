package org.attune.policy;

import org.attune.error.ShapeException;
import org.attune.tensor.Tensor;

import java.util.Arrays;

/// A teacher of which the most probable tokens are known. All others together are one more
/// category, in both distributions: `C = K + 1`. `M` targets, `K` tokens each.
public final class TopTokens implements Teacher {
    /// Least probability of the other tokens together: below it a difference from 1 is rounding.
    private static final double LEAST_REST = 1e-6;

    private final int targets;
    private final int count;
    private final long[] ids;
    private final float[] logProbs;

    /// @param count `K`
    /// @param ids of the tokens, different ones for a target, row-major `(M, K)`
    /// @param logProbs of the teacher at the temperature of the comparison, `(M, K)`
    public TopTokens(int count, int[] ids, float[] logProbs) {
        if (count < 1 || ids.length % count != 0 || ids.length != logProbs.length) {
            throw new ShapeException(
                    "%d ids and %d log-probabilities are not %d for each target"
                            .formatted(ids.length, logProbs.length, count));
        }
        this.count = count;
        this.ids = Arrays.stream(ids).asLongStream().toArray();
        targets = ids.length / count;
        this.logProbs = withRests(logProbs);
    }

    /// `(M, K + 1)`.
    private float[] withRests(float[] tops) {
        float[] all = new float[targets * (count + 1)];
        for (int i = 0; i < targets; i++) {
            double rest = 1;
            for (int k = 0; k < count; k++) {
                float logProb = tops[i * count + k];
                all[i * (count + 1) + k] = logProb;
                rest -= Math.exp(logProb);
            }
            all[i * (count + 1) + count] = (float) Math.log(Math.max(rest, LEAST_REST));
        }
        return all;
    }

    @Override
    public int targets() {
        return targets;
    }

    private Tensor ids(Tensor z, int from) {
        int n = (int) z.size(0);
        long[] chunk = Arrays.copyOfRange(ids, from * count, (from + n) * count);
        return Tensor.of(z.device(), chunk, n, count);
    }

    @Override
    public Compared compared(Tensor z, int from, double temperature) {
        int n = (int) z.size(0);
        int wide = count + 1;
        float[] chunk = Arrays.copyOfRange(logProbs, from * wide, (from + n) * wide);
        Tensor tops = z.logSoftmax(Tensor.LAST).gather(1, ids(z, from)); // (n, K)
        return new Compared(withRest(tops, LEAST_REST), Tensor.of(z.device(), chunk, n, wide));
    }

    /// Adds the category of all other tokens, `(n, K + 1)`.
    ///
    /// @param tops log-probabilities, `(n, K)`
    /// @param least probability of the others
    static Tensor withRest(Tensor tops, double least) {
        Tensor rest = // (n, 1)
                tops.exp().sum(1, true).neg().add(1 - least).relu().add(least).log();
        return Tensor.cat(1, tops, rest);
    }

    @Override
    public Tensor slopes(Tensor z, Compared compared, Tensor weighted, int from) {
        return slopes(z, compared, weighted, ids(z, from));
    }

    /// Gradients where the last category is all tokens but `K`, `(n, V)`.
    ///
    /// @param ids of the `K`, `(n, K)`
    static Tensor slopes(Tensor z, Compared compared, Tensor weighted, Tensor ids) {
        long count = ids.size(1);
        Tensor sums = weighted.sum(1, true); // (n, 1)
        Tensor student = compared.student();
        Tensor ofRest = // (n, 1), ∂J/∂q of the rest
                weighted.narrow(1, count, 1).div(student.narrow(1, count, 1).exp());
        Tensor tops = student.narrow(1, 0, count).exp(); // (n, K)
        Tensor more = weighted.narrow(1, 0, count).sub(tops.mulInPlace(ofRest)); // (n, K)
        return z.softmax(Tensor.LAST)
                .mulInPlace(ofRest.sub(sums))
                .scatterAddInPlace(1, ids, more); // (n, V)
    }

    @Override
    public void close() {
        // nothing is held outside the heap
    }
}
