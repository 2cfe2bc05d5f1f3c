package org.attune.trainers.grpo;

import org.attune.reward.AdvantageEstimator;
import org.attune.reward.Advantages;

import java.util.Optional;

/// What a completion's reward is compared with; `advantage_estimator`.
public enum AdvantageBaseline {
    /// The mean of its group ([Shao et al. 2024](https://arxiv.org/abs/2402.03300)).
    GROUP,
    /// The mean of the others of its group ([Ahmadian et al.
    /// 2024](https://arxiv.org/abs/2402.14740)).
    LEAVE_ONE_OUT,
    /// The mean of the round, with the divergence from the reference in the reward
    /// ([REINFORCE++, Hu 2025](https://arxiv.org/abs/2501.03262)).
    REINFORCE_PLUS_PLUS,
    /// The mean of its group, scaled in the round
    /// ([REINFORCE++, Hu 2025](https://arxiv.org/abs/2501.03262)).
    REINFORCE_PLUS_PLUS_BASELINE,
    /// The reward of the likeliest completion ([ReMax, Li et al.
    /// 2023](https://arxiv.org/abs/2310.10505)).
    REMAX,
    /// The mean of its group, weighted by length ([OPO, Hao et al.
    /// 2025](https://arxiv.org/abs/2505.23585)).
    OPO,
    /// The mean of its group, by which it is divided too ([MaxRL, Tajwar et al.
    /// 2026](https://arxiv.org/abs/2602.02710)).
    MAXRL,
    /// The mean of its group at each token, weighted by how far gradients reach ([OTB, Li et al.
    /// 2026](https://arxiv.org/abs/2602.07078)).
    OPTIMAL_TOKEN_BASELINE;

    /// Whether tokens of one completion differ in their advantages.
    boolean isOfTokens() {
        return this == REINFORCE_PLUS_PLUS
                || this == REINFORCE_PLUS_PLUS_BASELINE
                || this == OPTIMAL_TOKEN_BASELINE;
    }

    /// Whether the divergence counts in the reward, not in the loss.
    boolean takesDivergence() {
        return this == REINFORCE_PLUS_PLUS;
    }

    AdvantageEstimator estimator(GrpoLossConfig loss, CreditConfig credit) {
        if (credit.credit() == Credit.TURNS) { // a run with others is refused
            return this == LEAVE_ONE_OUT
                    ? new AdvantageEstimator.TurnCredit(credit.gamma(), Advantages.Scale.NONE, true)
                    : new AdvantageEstimator.TurnCredit(credit.gamma(), loss.scaleRewards(), false);
        }
        if (credit.credit() == Credit.ROLES) {
            return this == LEAVE_ONE_OUT
                    ? AdvantageEstimator.ofRoles(Advantages.Scale.NONE, true)
                    : AdvantageEstimator.ofRoles(loss.scaleRewards(), false);
        }
        return switch (this) {
            case GROUP ->
                    new AdvantageEstimator.GroupRelative(
                            loss.scaleRewards(), loss.multiObjectiveAggregation());
            case LEAVE_ONE_OUT -> new AdvantageEstimator.LeaveOneOut(0, Optional.empty(), false);
            case REINFORCE_PLUS_PLUS -> new AdvantageEstimator.ReinforcePlusPlus(loss.beta());
            case REINFORCE_PLUS_PLUS_BASELINE -> new AdvantageEstimator.ReinforcePlusPlusBaseline();
            case REMAX -> new AdvantageEstimator.Greedy();
            case OPO -> new AdvantageEstimator.OptimalBaseline();
            case MAXRL -> new AdvantageEstimator.MaximumLikelihood();
            case OPTIMAL_TOKEN_BASELINE -> new AdvantageEstimator.OptimalTokenBaseline();
        };
    }

    /// Whether rewards are as the estimators beside `GROUP` take them.
    boolean suits(GrpoLossConfig loss) {
        return this == GROUP
                || loss.scaleRewards() == Advantages.Scale.GROUP
                        && loss.multiObjectiveAggregation()
                                == Advantages.Aggregation.SUM_THEN_NORMALIZE;
    }
}
