package org.attune.rollout;

import org.attune.error.RolloutException;

import java.util.Arrays;
import java.util.Set;

/// Turns logits into the probabilities of the next token, in double precision on the host, by the
/// rules of transformers' logits processors, each on the renormalised rest of the one before.
/// Holds no state between calls and may be used by many threads.
public final class Sampler {
    private final SamplingConfig.Distribution distribution;

    public Sampler(SamplingConfig.Distribution distribution) {
        this.distribution = distribution;
    }

    /// Tokens that may be sampled. A named tuple: equality is identity of the arrays.
    ///
    /// @param ids ascending
    /// @param probabilities of each, adding up to 1
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Candidates(int[] ids, double[] probabilities) {}

    /// Chooses a token.
    ///
    /// @param logits `(V)`; changed by penalties and bans
    /// @param tokens prompt and generated tokens
    /// @param banned tokens that can't be chosen
    /// @param uniform a random number in [0, 1)
    /// @throws RolloutException if there is no finite logit, or one is NaN
    int choose(float[] logits, Sequence tokens, Set<Integer> banned, double uniform) {
        if (distribution.penalises()) {
            penalise(logits, tokens.all(), tokens.promptLength());
        }
        for (int id : banned) {
            logits[id] = Float.NEGATIVE_INFINITY;
        }
        if (distribution.temperature() == 0) {
            return likeliest(logits);
        }
        Candidates candidates = candidates(logits);
        double rest = uniform;
        for (int i = 0; i < candidates.ids().length; i++) {
            rest -= candidates.probabilities()[i];
            if (rest < 0) {
                return candidates.ids()[i];
            }
        }
        // The probabilities' rounded sum may stay below the random number.
        return candidates.ids()[candidates.ids().length - 1];
    }

    /// The distribution that a token is drawn from.
    ///
    /// @param logits `(V)`, not changed
    /// @param prompt tokens before the completion
    /// @param generated tokens of the completion so far
    public Candidates candidates(float[] logits, int[] prompt, int[] generated) {
        int[] history = Arrays.copyOf(prompt, prompt.length + generated.length);
        System.arraycopy(generated, 0, history, prompt.length, generated.length);
        float[] changed = logits.clone();
        penalise(changed, history, prompt.length);
        if (distribution.temperature() == 0) {
            return new Candidates(new int[] {likeliest(changed)}, new double[] {1});
        }
        return candidates(changed);
    }

    private void penalise(float[] logits, int[] history, int promptLength) {
        int[] generated = Arrays.copyOfRange(history, promptLength, history.length);
        for (int id : generated) {
            logits[id] -= (float) distribution.frequencyPenalty();
        }
        for (int id : Arrays.stream(generated).distinct().toArray()) {
            logits[id] -= (float) distribution.presencePenalty();
        }
        double repetition = distribution.repetitionPenalty();
        int[] distinct = Arrays.stream(history).distinct().toArray();
        for (int id : distinct) {
            double logit = logits[id];
            logits[id] = (float) (logit > 0 ? logit / repetition : logit * repetition);
        }
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

    private static RolloutException notFinite(String what) {
        return new RolloutException(
                "the model's logits are "
                        + what
                        + "; no token can be sampled. Its weights may have diverged, or a dtype"
                        + " with a larger range is needed");
    }

    private Candidates candidates(float[] logits) {
        float highest = logits[likeliest(logits)];
        var kept = new KeptTokens(logits, highest, distribution.temperature());
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
        return kept.candidates();
    }
}
