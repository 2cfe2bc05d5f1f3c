package org.attune.reward;

import java.util.Optional;

/// How the rewards of a round become advantages of whole completions. Methods that learn from
/// rewards differ in this, and in where the divergence from the reference counts.
public sealed interface AdvantageEstimator {
    /// The advantages of a round.
    ///
    /// @param table rewards, `(N, F)`
    /// @param divergences of each completion from the reference, nats, `(N)`; read only where the
    ///     divergence counts in the reward
    /// @param generations G, completions of a prompt, which follow each other; ≥ 1
    /// @throws IllegalArgumentException if N isn't a multiple of G
    Advantages of(RewardTable table, double[] divergences, int generations);

    /// GRPO's: [Advantages#grpo]. The divergence counts in the loss.
    ///
    /// @param scale what centred rewards are divided by
    /// @param aggregation how several rewards become one
    record GroupRelative(Advantages.Scale scale, Advantages.Aggregation aggregation)
            implements AdvantageEstimator {
        @Override
        public Advantages of(RewardTable table, double[] divergences, int generations) {
            return Advantages.grpo(table, generations, scale, aggregation);
        }
    }

    /// RLOO's: [Advantages#rloo]. The divergence counts in the reward.
    ///
    /// @param beta β, weight of the divergence; ≥ 0
    /// @param clip lowest and highest reward; empty: any
    /// @param normalise whether advantages are standardised in the batch
    record LeaveOneOut(double beta, Optional<Advantages.ClipRange> clip, boolean normalise)
            implements AdvantageEstimator {
        @Override
        public Advantages of(RewardTable table, double[] divergences, int generations) {
            return Advantages.rloo(table, generations, divergences, beta, clip, normalise);
        }
    }
}
