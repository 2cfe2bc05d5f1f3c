package org.attune.trainers.grpo;

import org.attune.records.CopyMethods;

import java.util.Optional;

/// What the models say of one completion, token by token, and what it is worth. `T` tokens;
/// log-probabilities are natural and at the run's temperature. A named tuple: equality is identity
/// of the arrays.
///
/// @param policy log-probability under the policy as it is now, `(T)`
/// @param old under the policy that the ratio is taken to, `(T)`; empty: the policy itself, as a
///     constant, so that every ratio is 1
/// @param reference under the reference, `(T)`; needed where the objective has a KL term
/// @param mask 1 where a token counts, else 0, `(T)`
/// @param weights constant factor of each token's policy term, the KL term excluded, `(T)`;
///     empty: 1 each
/// @param chosen whether a token was chosen of its micro-batch ([TokenChoice]), `(T)`; empty: all
///     were
/// @param samplerRatio constant ratio of old policy to sampler, `(T)` or `(1)` for the whole
///     completion; read by `vespo` only, others have it among `weights`
/// @param share what it has of its group's loss, where completions of a prompt are compared; else
///     nothing
/// @param advantage of the whole completion
/// @param tokenAdvantages of each token, `(T)`; empty: that of the completion
@CopyMethods
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record CompletionLogProbs(
        double[] policy,
        Optional<double[]> old,
        Optional<double[]> reference,
        double[] mask,
        Optional<double[]> weights,
        Optional<boolean[]> chosen,
        Optional<double[]> samplerRatio,
        Optional<RewardLabels.Share> share,
        double advantage,
        Optional<double[]> tokenAdvantages)
        implements CompletionLogProbsCopies {
    public CompletionLogProbs {
        int tokens = policy.length;
        if (mask.length != tokens
                || old.isPresent() && old.get().length != tokens
                || reference.isPresent() && reference.get().length != tokens
                || weights.isPresent() && weights.get().length != tokens
                || chosen.isPresent() && chosen.get().length != tokens
                || tokenAdvantages.isPresent() && tokenAdvantages.get().length != tokens) {
            throw new IllegalArgumentException(
                    "a completion's log-probabilities, mask and weights must be equally long");
        }
    }

    /// Tokens that all count, under the policy alone.
    public static CompletionLogProbs of(double[] policy, double[] mask, double advantage) {
        return new CompletionLogProbs(
                policy,
                Optional.empty(),
                Optional.empty(),
                mask,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                advantage,
                Optional.empty());
    }

    int tokens() {
        return policy.length;
    }

    /// Tokens that count.
    double counted() {
        double sum = 0;
        for (double m : mask) {
            sum += m;
        }
        return sum;
    }

    /// `log π − log π_old`, `(T)`.
    double[] logRatios() {
        double[] ratios = new double[tokens()];
        if (old.isPresent()) {
            for (int t = 0; t < ratios.length; t++) {
                ratios[t] = policy[t] - old.get()[t];
            }
        }
        return ratios;
    }

    /// The log-ratio of one token between policy and old policy; 0 without an old one.
    double logRatio(int t) {
        return old.isPresent() ? policy[t] - old.get()[t] : 0;
    }

    double weight(int t) {
        return weights.isPresent() ? weights.get()[t] : 1;
    }

    boolean isChosen(int t) {
        return chosen.isEmpty() || chosen.get()[t];
    }

    double advantage(int t) {
        return tokenAdvantages.isPresent() ? tokenAdvantages.get()[t] : advantage;
    }

    /// `exp(r) − r − 1` and its derivative by the policy's log-probability, `r = log π_ref − log π`
    /// (Schulman 2020, `k3`).
    Divergence divergence(int t) {
        double r = reference.orElseThrow()[t] - policy[t];
        double up = Math.expm1(r);
        return new Divergence(up - r, -up);
    }

    record Divergence(double value, double slope) {}
}
