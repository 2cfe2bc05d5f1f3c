package org.attune.trainers.ppo;

import org.attune.reward.KlEstimator;

import java.util.Optional;

/// The reward of each token of a completion: the score at its end, less the divergence from the
/// reference at each token ([Ziegler et al. 2019, Eq. 2](https://arxiv.org/abs/1909.08593)):
/// ```
/// r_t = −β KL_t   (+ score at the last state that counts)
/// ```
///
/// @param estimator of KL
/// @param coefficient β, ≥ 0
public record TokenRewards(KlEstimator estimator, double coefficient) {
    /// Rewards of a completion, `(S)`.
    ///
    /// @param score finite
    /// @param old log-probabilities under the policy that generated it, `(T)`
    /// @param reference under the reference, `(T)`; empty: no divergence
    /// @param mask 1 where a token counts, else 0, `(T)`
    /// @param valueMask 1 where a state counts, else 0, `(S)`
    public double[] of(
            double score,
            double[] old,
            Optional<double[]> reference,
            double[] mask,
            double[] valueMask) {
        double[] rewards = new double[valueMask.length];
        if (reference.isPresent()) {
            for (int t = 0; t < old.length; t++) {
                rewards[t] = -coefficient * mask[t] * estimator.of(old[t] - reference.get()[t]);
            }
        }
        for (int t = rewards.length - 1; t >= 0; t--) {
            if (valueMask[t] > 0) {
                rewards[t] += score;
                break;
            }
        }
        return rewards;
    }

    /// Moves what turns before the last got to their last states that count.
    ///
    /// @param rewards of each state with the whole score at the last that counts, `(S)`; changed
    /// @param ofTurns what each turn got
    /// @param turns the turn of each state, `(S)`
    /// @param valueMask 1 where a state counts, else 0, `(S)`
    static void toTurns(double[] rewards, double[] ofTurns, int[] turns, double[] valueMask) {
        int end = rewards.length - 1;
        while (end >= 0 && valueMask[end] == 0) {
            end--;
        }
        int before = Integer.MAX_VALUE;
        for (int t = end; t >= 0; t--) {
            if (valueMask[t] > 0 && turns[t] < before) {
                before = turns[t];
                if (turns[t] < turns[end]) {
                    rewards[t] += ofTurns[turns[t]];
                    rewards[end] -= ofTurns[turns[t]];
                }
            }
        }
    }

    /// Estimated divergence of a completion, summed over its tokens that count, in nats.
    public double divergence(double[] old, double[] reference, double[] mask) {
        double sum = 0;
        for (int t = 0; t < old.length; t++) {
            sum += mask[t] * estimator.of(old[t] - reference[t]);
        }
        return sum;
    }
}
