package org.attune.rollout;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// Tokens that filters have left so far, with their probabilities. Ids ascend; each filter works on
/// the renormalised rest of the one before.
final class KeptTokens {
    private int size;
    private final int[] ids;
    private final double[] scaled; // logit / temperature, less the highest
    private final double[] weights; // exp of it
    private double sum;

    /// @param logits `(V)`; tokens at −∞ are out from the start
    /// @param highest of the logits
    KeptTokens(float[] logits, float highest, double temperature) {
        ids = new int[logits.length];
        scaled = new double[logits.length];
        weights = new double[logits.length];
        for (int id = 0; id < logits.length; id++) {
            if (logits[id] > Float.NEGATIVE_INFINITY) {
                ids[size] = id;
                scaled[size] = ((double) logits[id] - highest) / temperature;
                weights[size] = Math.exp(scaled[size]);
                size++;
            }
        }
        dropUnderflown();
    }

    /// Tokens whose probability is zero in float32 are out: no draw can tell them from impossible.
    private void dropUnderflown() {
        double total = Arrays.stream(weights, 0, size).sum();
        keep(weights, Float.MIN_VALUE * total);
    }

    /// The `k` likeliest and all ties of the last.
    void topK(int k) {
        if (k < size) {
            double[] sorted = Arrays.copyOf(scaled, size);
            Arrays.sort(sorted);
            keep(scaled, sorted[size - k]);
        }
    }

    /// Of the tokens by ascending probability, those are dropped whose cumulative sum is at most
    /// 1 − p; the likeliest always stays.
    void topP(double p) {
        double limit = (1 - p) * sum;
        // Tokens below limit / size can't reach the limit together, so they go unsorted.
        double always = limit / size;
        boolean[] out = new boolean[size];
        double dropped = 0;
        for (int i = 0; i < size; i++) {
            if (weights[i] < always) {
                out[i] = true;
                dropped += weights[i];
            }
        }
        int[] order =
                sorted(
                        IntStream.range(0, size).filter(i -> weights[i] >= always),
                        Comparator.comparingDouble(i -> weights[i]));
        for (int i = 0; i < order.length - 1; i++) {
            dropped += weights[order[i]];
            if (dropped > limit) {
                break;
            }
            out[order[i]] = true;
        }
        drop(out);
    }

    /// Tokens of at least `p` times the likeliest's probability.
    void minP(double p) {
        double highest = 0;
        for (int i = 0; i < size; i++) {
            highest = Math.max(highest, weights[i]);
        }
        keep(weights, p * highest);
    }

    /// The tokens whose surprise is nearest to the entropy, until their probabilities reach `p`.
    void typicalP(double p) {
        double entropy = 0;
        double logSum = Math.log(sum);
        for (int i = 0; i < size; i++) {
            entropy -= weights[i] / sum * (scaled[i] - logSum);
        }
        double[] distance = new double[size];
        for (int i = 0; i < size; i++) {
            distance[i] = Math.abs(logSum - scaled[i] - entropy);
        }
        int[] order =
                sorted(IntStream.range(0, size), Comparator.comparingDouble(i -> distance[i]));
        int last = 0;
        double reached = weights[order[0]];
        while (reached < p * sum && last < size - 1) {
            reached += weights[order[++last]];
        }
        boolean[] out = new boolean[size];
        for (int i = 0; i < size; i++) {
            out[i] = distance[i] > distance[order[last]];
        }
        drop(out);
    }

    private static int[] sorted(IntStream indexes, Comparator<Integer> by) {
        return indexes.boxed().sorted(by).mapToInt(Integer::intValue).toArray();
    }

    private void keep(double[] measure, double least) {
        boolean[] out = new boolean[size];
        for (int i = 0; i < size; i++) {
            out[i] = measure[i] < least;
        }
        drop(out);
    }

    private void drop(boolean[] out) {
        int next = 0;
        sum = 0;
        for (int i = 0; i < size; i++) {
            if (!out[i]) {
                ids[next] = ids[i];
                scaled[next] = scaled[i];
                weights[next] = weights[i];
                sum += weights[i];
                next++;
            }
        }
        size = next;
    }

    Sampler.Candidates candidates() {
        double[] probabilities = new double[size];
        for (int i = 0; i < size; i++) {
            probabilities[i] = weights[i] / sum;
        }
        return new Sampler.Candidates(Arrays.copyOf(ids, size), probabilities);
    }
}
