package org.attune.trainers.grpo;

import java.util.Optional;

/// Log-probabilities of one completion by the models, token by token. `T` tokens; log-probabilities
/// are natural and at the run's temperature. A named tuple: equality is identity of the arrays.
///
/// @param policy log-probability under the policy as it is now, `(T)`
/// @param old under the policy that the ratio is taken to, `(T)`; empty: the policy itself, as a
///     constant, so that every ratio is 1
/// @param reference under the reference, `(T)`; needed where the objective has a KL term
/// @param mask 1 where a token counts, else 0, `(T)`
/// @param weights constant factor of each token's policy term, the KL term excluded, `(T)`;
///     empty:
///     1 each
/// @param advantage of the whole completion
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record CompletionScores(
        double[] policy,
        Optional<double[]> old,
        Optional<double[]> reference,
        double[] mask,
        Optional<double[]> weights,
        double advantage) {
    public CompletionScores {
        int tokens = policy.length;
        if (mask.length != tokens
                || old.isPresent() && old.get().length != tokens
                || reference.isPresent() && reference.get().length != tokens
                || weights.isPresent() && weights.get().length != tokens) {
            throw new IllegalArgumentException(
                    "a completion's log-probabilities, mask and weights must be equally long");
        }
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
}
