package org.attune.reward;

import java.util.Optional;

/// How the rewards of a round become advantages. Methods that learn from rewards without a critic
/// differ in this, and in where the divergence from the reference counts.
public sealed interface AdvantageEstimator {
    /// The advantages of a round.
    Advantages of(GroupedRewards round);

    /// Whether the divergence from the reference counts in the reward.
    default boolean readsDivergences() {
        return false;
    }

    /// Whether advantages depend on how far gradients of tokens reach ([GroupedRewards#energies]).
    default boolean readsEnergies() {
        return false;
    }

    /// Whether a prompt's likeliest completion is asked for.
    default boolean readsBaselines() {
        return false;
    }

    /// Whether completions of one prompt are compared, so that there must be several.
    default boolean comparesGroups() {
        return true;
    }

    /// GRPO's: [Advantages#grpo]. The divergence counts in the loss.
    ///
    /// @param scale what centred rewards are divided by
    /// @param aggregation how several rewards become one
    record GroupRelative(Advantages.Scale scale, Advantages.Aggregation aggregation)
            implements AdvantageEstimator {
        @Override
        public Advantages of(GroupedRewards round) {
            return Advantages.grpo(round.table(), round.generations(), scale, aggregation);
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
        public Advantages of(GroupedRewards round) {
            return Advantages.rloo(
                    round.table(),
                    round.generations(),
                    round.divergenceSums(),
                    beta,
                    clip,
                    normalise);
        }

        @Override
        public boolean readsDivergences() {
            return beta != 0;
        }
    }

    /// REINFORCE++'s: [ReinforceAdvantages#plain]. The divergence counts in the reward.
    ///
    /// @param beta β, weight of the divergence; ≥ 0
    record ReinforcePlusPlus(double beta) implements AdvantageEstimator {
        @Override
        public Advantages of(GroupedRewards round) {
            return ReinforceAdvantages.plain(round, beta);
        }

        @Override
        public boolean readsDivergences() {
            return beta != 0;
        }

        @Override
        public boolean comparesGroups() {
            return false;
        }
    }

    /// REINFORCE++'s with a baseline: [ReinforceAdvantages#centred]. The divergence counts in the
    /// loss.
    record ReinforcePlusPlusBaseline() implements AdvantageEstimator {
        @Override
        public Advantages of(GroupedRewards round) {
            return ReinforceAdvantages.centred(round);
        }
    }

    /// ReMax's: [ReinforceAdvantages#greedy]. The divergence counts in the loss.
    record Greedy() implements AdvantageEstimator {
        @Override
        public Advantages of(GroupedRewards round) {
            return ReinforceAdvantages.greedy(round);
        }

        @Override
        public boolean readsBaselines() {
            return true;
        }

        @Override
        public boolean comparesGroups() {
            return false;
        }
    }

    /// MaxRL's: [ReinforceAdvantages#relative]. The divergence counts in the loss.
    record MaximumLikelihood() implements AdvantageEstimator {
        @Override
        public Advantages of(GroupedRewards round) {
            return ReinforceAdvantages.relative(round);
        }
    }

    /// OTB's: [ReinforceAdvantages#optimalOfTokens]. The divergence counts in the loss.
    record OptimalTokenBaseline() implements AdvantageEstimator {
        @Override
        public Advantages of(GroupedRewards round) {
            return ReinforceAdvantages.optimalOfTokens(round);
        }

        @Override
        public boolean readsEnergies() {
            return true;
        }
    }

    /// Each turn's, by what it earns from there on: [TurnAdvantages#of]. The divergence counts in
    /// the loss.
    ///
    /// @param gamma γ, discount of later turns, in [0, 1]
    /// @param scale what centred returns are divided by
    /// @param leaveOut whether an episode's baseline is the mean of the others
    record TurnCredit(double gamma, Advantages.Scale scale, boolean leaveOut)
            implements AdvantageEstimator {
        @Override
        public Advantages of(GroupedRewards round) {
            return TurnAdvantages.of(round, gamma, scale, leaveOut);
        }
    }

    /// Each role's, by what it gets itself, compared with the same role: [RoleRewards#advantages].
    /// The divergence counts in the loss.
    ///
    /// @param scale what centred rewards are divided by
    /// @param leaveOut whether a conversation's baseline is the mean of the others
    static AdvantageEstimator ofRoles(Advantages.Scale scale, boolean leaveOut) {
        return new RoleCredit(scale, leaveOut);
    }

    /// As [#ofRoles].
    ///
    /// @param scale what centred rewards are divided by
    /// @param leaveOut whether a conversation's baseline is the mean of the others
    record RoleCredit(Advantages.Scale scale, boolean leaveOut) implements AdvantageEstimator {
        @Override
        public Advantages of(GroupedRewards round) {
            return RoleRewards.of(round).advantages(scale, leaveOut);
        }
    }

    /// OPO's: [ReinforceAdvantages#optimal]. The divergence counts in the loss.
    record OptimalBaseline() implements AdvantageEstimator {
        @Override
        public Advantages of(GroupedRewards round) {
            return ReinforceAdvantages.optimal(round);
        }
    }
}
