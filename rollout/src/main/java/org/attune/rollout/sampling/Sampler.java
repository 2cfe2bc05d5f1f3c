package org.attune.rollout.sampling;

import org.attune.error.RolloutException;
import org.attune.rollout.TopTokens;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Turns logits into the probabilities of the next token, in double precision on the host. The
/// rules are those of transformers' logits processors, each on the renormalised rest of the one
/// before. Holds no state between calls and may be used by many threads.
final class Sampler {
    private final SamplingConfig.Distribution distribution;

    public Sampler(SamplingConfig.Distribution distribution) {
        this.distribution = distribution;
    }

    /// Tokens that may be sampled. A named tuple: equality is identity of the arrays.
    ///
    /// @param ids ascending
    /// @param probabilities of each, adding up to 1
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Candidates(int[] ids, double[] probabilities) {
        /// The tokens with their log-probabilities.
        TopTokens report() {
            float[] logs = new float[ids.length];
            for (int i = 0; i < logs.length; i++) {
                logs[i] = (float) Math.log(probabilities[i]);
            }
            return new TopTokens(ids, logs);
        }

        /// Inverts the distribution function.
        ///
        /// @param uniform a random number in [0, 1)
        int pick(double uniform) {
            double rest = uniform;
            for (int i = 0; i < ids.length; i++) {
                rest -= probabilities[i];
                if (rest < 0) {
                    return ids[i];
                }
            }
            // The probabilities' rounded sum may stay below the random number.
            return ids[ids.length - 1];
        }
    }

    /// The distribution that a token is drawn from.
    ///
    /// @param logits `(V)`, not changed
    /// @param prompt tokens before the completion
    /// @param generated tokens of the completion so far
    public Candidates candidates(float[] logits, int[] prompt, int[] generated) {
        float[] changed = logits.clone();
        penalise(changed, prompt, generated);
        if (distribution.temperature() == 0) {
            return new Candidates(new int[] {likeliest(changed)}, new double[] {1});
        }
        return candidates(changed);
    }

    private void penalise(float[] logits, int[] prompt, int[] generated) {
        Map<Integer, Integer> counts = new HashMap<>();
        Arrays.stream(prompt).forEach(id -> counts.put(id, 0));
        Arrays.stream(generated).forEach(id -> counts.merge(id, 1, Integer::sum));
        counts.forEach(
                (id, count) -> logits[id] = LogitEdits.penalised(distribution, logits[id], count));
    }

    private static int likeliest(float[] logits) {
        int best = -1;
        float highest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < logits.length; i++) {
            if (Float.isNaN(logits[i])) {
                throw notFinite("NaN for token " + i);
            }
            if (logits[i] > highest) {
                best = i;
                highest = logits[i];
            }
        }
        if (best < 0 || highest == Float.POSITIVE_INFINITY) {
            throw notFinite(best < 0 ? "-Infinity for all tokens" : "Infinity for token " + best);
        }
        return best;
    }

    static RolloutException notFinite(String what) {
        return new RolloutException(
                "the model's logits are "
                        + what
                        + "; no token can be sampled. Its weights may have diverged, or a dtype"
                        + " with a larger range is needed");
    }

    /// The distribution, told from its likeliest tokens.
    ///
    /// @param ids the likeliest, by falling probability
    /// @param probabilities of each at the temperature, of all tokens
    /// @param all whether there are no others
    /// @return empty if tokens beyond these may pass the filters
    Optional<Candidates> candidates(long[] ids, float[] probabilities, boolean all) {
        var kept = KeptTokens.ofLikeliest(ids, probabilities, all);
        filter(kept);
        return kept.isComplete() ? Optional.of(kept.candidates()) : Optional.empty();
    }

    /// The distribution of logits after penalties.
    Candidates candidates(float[] logits) {
        float highest = logits[likeliest(logits)];
        var kept = KeptTokens.of(logits, highest, distribution.temperature());
        filter(kept);
        return kept.candidates();
    }

    private void filter(KeptTokens kept) {
        if (distribution.topK() > 0) {
            kept.topK(distribution.topK());
        }
        if (distribution.topP() < 1) {
            kept.topP(distribution.topP());
        }
        if (distribution.minP() > 0) {
            kept.minP(distribution.minP());
        }
        if (distribution.typicalP() < 1) {
            kept.typicalP(distribution.typicalP());
        }
    }
}
