package org.attune.rollout.sampling;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// Tokens that filters have left so far, with their probabilities. Ids ascend; each filter works on
/// the renormalised rest of the one before. Only the likeliest tokens need be known, as long as the
/// filters leave out all others: [#isComplete] says whether they did.
final class KeptTokens {
    private int size;
    private final int[] ids;
    private final double[] scaled; // logit / temperature, less a constant
    private final double[] weights; // exp of it
    private double sum;

    private double rest; // weight of tokens that were never looked at, all of them less likely

    private KeptTokens(int capacity) {
        ids = new int[capacity];
        scaled = new double[capacity];
        weights = new double[capacity];
    }

    /// Keeps all tokens.
    ///
    /// @param logits `(V)`; tokens at −∞ are out from the start
    /// @param highest of the logits
    static KeptTokens of(float[] logits, float highest, double temperature) {
        var kept = new KeptTokens(logits.length);
        for (int id = 0; id < logits.length; id++) {
            if (logits[id] > Float.NEGATIVE_INFINITY) {
                double scaled = ((double) logits[id] - highest) / temperature;
                kept.add(id, scaled, Math.exp(scaled));
            }
        }
        kept.dropUnderflown();
        return kept;
    }

    /// The likeliest tokens, and what is known of the others.
    ///
    /// @param ids by falling probability
    /// @param probabilities of each; with the others' they add up to 1
    /// @param all whether there are no others
    static KeptTokens ofLikeliest(long[] ids, float[] probabilities, boolean all) {
        var kept = new KeptTokens(ids.length);
        Integer[] order = new Integer[ids.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.comparingLong(i -> ids[i]));
        for (int i : order) {
            if (probabilities[i] > 0) {
                kept.add((int) ids[i], Math.log(probabilities[i]), probabilities[i]);
            }
        }
        kept.sum = Arrays.stream(kept.weights, 0, kept.size).sum();
        boolean othersAreImpossible = all || kept.size < ids.length;
        kept.rest = othersAreImpossible ? 0 : Math.max(0, 1 - kept.sum);
        return kept;
    }

    private void add(int id, double logWeight, double weight) {
        ids[size] = id;
        scaled[size] = logWeight;
        weights[size] = weight;
        size++;
    }

    /// Whether tokens are left and none of them was never looked at.
    boolean isComplete() {
        return rest == 0 && size > 0;
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
            double last = sorted[size - k];
            if (last > sorted[0]) { // else others may tie with it
                rest = 0;
            }
            keep(scaled, last);
        }
    }

    /// Drops, of the tokens by ascending probability, those whose cumulative sum is at most 1 − p;
    /// the likeliest always stays. Of equals the first stay, so that a tiny `p` leaves what greedy
    /// decoding takes; transformers leaves the last.
    void topP(double p) {
        double limit = (1 - p) * (sum + rest);
        if (rest > limit) {
            return;
        }
        // Tokens below limit / size can't reach the limit together, so they go unsorted.
        double always = limit / size;
        boolean[] out = new boolean[size];
        double dropped = rest;
        rest = 0;
        for (int i = 0; i < size; i++) {
            if (weights[i] < always) {
                out[i] = true;
                dropped += weights[i];
            }
        }
        int[] order =
                sorted(
                        IntStream.range(0, size).filter(i -> weights[i] >= always),
                        Comparator.<Integer>comparingDouble(i -> weights[i])
                                .thenComparing(Comparator.reverseOrder()));
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
        double lowest = Double.POSITIVE_INFINITY;
        for (int i = 0; i < size; i++) {
            highest = Math.max(highest, weights[i]);
            lowest = Math.min(lowest, weights[i]);
        }
        if (lowest < p * highest) {
            rest = 0;
        }
        keep(weights, p * highest);
    }

    /// The tokens whose surprise is nearest to the entropy, until their probabilities reach `p`.
    void typicalP(double p) {
        if (!isComplete()) {
            return; // the entropy needs all of them
        }
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
