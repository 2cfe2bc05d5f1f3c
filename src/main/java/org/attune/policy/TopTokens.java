package org.attune.policy;

import org.attune.error.ShapeException;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.Arrays;

/// A teacher of which the probabilities of some tokens are known. All others together are one more
/// category, in both distributions, `C = K + 1`; or probabilities are those under the condition
/// that it is one of the known tokens, `C = K`. `M` targets, `K` tokens each.
public final class TopTokens implements Teacher {
    /// Stands where a target has fewer tokens than `K`.
    public static final int NONE = -1;

    /// Least probability of the other tokens together, as in TRL: below it a difference from 1 is
    /// rounding.
    static final double LEAST_REST = 1e-7;

    /// Log-probability of a category that isn't there, in both distributions: finite, so that
    /// differences are 0, and its power is 0.
    private static final float NOTHING = -1e4f;

    private final int targets;
    private final int count;
    private final long[] ids;
    private final float[] logProbs;
    private final boolean tail;

    /// @param count `K`
    /// @param ids of the tokens, different ones for a target or [#NONE], row-major `(M, K)`
    /// @param logProbs of the teacher at the temperature of the comparison, `(M, K)`
    /// @param tail whether all other tokens together are one more category
    public TopTokens(int count, int[] ids, float[] logProbs, boolean tail) {
        if (count < 1 || ids.length % count != 0 || ids.length != logProbs.length) {
            throw new ShapeException(
                    "%d ids and %d log-probabilities are not %d for each target"
                            .formatted(ids.length, logProbs.length, count));
        }
        this.count = count;
        this.ids = Arrays.stream(ids).asLongStream().toArray();
        targets = ids.length / count;
        this.tail = tail;
        this.logProbs = categories(logProbs);
    }

    private int width() {
        return tail ? count + 1 : count;
    }

    /// `(M, C)`.
    private float[] categories(float[] tops) {
        float[] all = new float[targets * width()];
        for (int i = 0; i < targets; i++) {
            double sum = 0;
            for (int k = 0; k < count; k++) {
                int at = i * count + k;
                sum += ids[at] == NONE ? 0 : Math.exp(tops[at]);
            }
            double known = tail ? 0 : Math.log(sum);
            for (int k = 0; k < count; k++) {
                int at = i * count + k;
                all[i * width() + k] = ids[at] == NONE ? NOTHING : (float) (tops[at] - known);
            }
            if (tail) {
                all[i * width() + count] = (float) Math.log(Math.max(1 - sum, LEAST_REST));
            }
        }
        return all;
    }

    @Override
    public int targets() {
        return targets;
    }

    /// The tokens of a chunk, `(n, K)`; some token where none is.
    private Tensor ids(Tensor z, int from) {
        int n = (int) z.size(0);
        long[] chunk = Arrays.copyOfRange(ids, from * count, (from + n) * count);
        Arrays.setAll(chunk, i -> Math.max(chunk[i], 0));
        return Tensor.of(z.device(), chunk, n, count);
    }

    @Override
    public Compared compared(Tensor z, int from, double temperature) {
        int n = (int) z.size(0);
        float[] chunk = Arrays.copyOfRange(logProbs, from * width(), (from + n) * width());
        Tensor tops = z.logSoftmax(Tensor.LAST).gather(1, ids(z, from)); // (n, K)
        Tensor own = present(tops, from); // (n, K)
        return new Compared(
                tail ? withRest(own) : own.logSoftmax(Tensor.LAST),
                Tensor.of(z.device(), chunk, n, width())); // (n, C)
    }

    /// Leaves out what isn't a category, `(n, K)`.
    private Tensor present(Tensor tops, int from) {
        int size = (int) tops.size(0) * count;
        float[] there = new float[size];
        float[] absent = new float[size];
        boolean isWhole = true;
        for (int i = 0; i < size; i++) {
            boolean isThere = ids[from * count + i] != NONE;
            there[i] = isThere ? 1 : 0;
            absent[i] = isThere ? 0 : NOTHING;
            isWhole &= isThere;
        }
        if (isWhole) {
            return tops;
        }
        long n = tops.size(0);
        return tops.mul(Tensor.of(tops.device(), there, n, count))
                .add(Tensor.of(tops.device(), absent, n, count));
    }

    /// Adds the category of all other tokens, `(n, K + 1)`.
    ///
    /// @param tops log-probabilities, `(n, K)`
    static Tensor withRest(Tensor tops) {
        Tensor rest = // (n, 1)
                tops.exp().sum(1, true).neg().add(1 - LEAST_REST).relu().add(LEAST_REST).log();
        return Tensor.cat(1, tops, rest);
    }

    @Override
    public Tensor slopes(Tensor z, Compared compared, Tensor weighted, int from) {
        return slopes(z, compared, weighted, ids(z, from), tail);
    }

    /// Gradients where the categories are `K` tokens, and perhaps all others together, `(n, V)`.
    ///
    /// @param ids of the `K`, `(n, K)`
    /// @param tail whether the others are the last category
    static Tensor slopes(Tensor z, Compared compared, Tensor weighted, Tensor ids, boolean tail) {
        if (!tail) {
            Tensor own = Divergence.slopesOf(compared.student(), weighted); // (n, K)
            return Tensor.zeros(z.device(), DType.FLOAT32, z.shape())
                    .scatterAddInPlace(1, ids, own); // (n, V)
        }
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
