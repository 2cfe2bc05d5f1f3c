package org.attune.trainers.onpolicy;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;
import org.attune.reward.AdvantageEstimator;
import org.attune.reward.Advantages;
import org.attune.trainers.config.InRange;

import java.util.List;

/// How completions are judged.
///
/// @param rewardFuncs reward functions: texts and maps as a run's file has them, and objects of
///     [org.attune.reward.WeightedReward] or [org.attune.reward.RewardFunction]; may be empty where
///     recorded completions have rewards
/// @param rewardWeights one weight per function; empty: 1 each
/// @param scaleRewards by what advantages are divided
/// @param multiObjectiveAggregation how several rewards become one advantage
/// @param rewardTimeout seconds that a call may take
/// @param rewardParallelism calls at once
/// @param onRewardFailure what becomes of the run when a round got no rewards
@CopyMethods
public record RewardConfig(
        List<Object> rewardFuncs,
        List<@InRange Double> rewardWeights,
        Advantages.Scale scaleRewards,
        Advantages.Aggregation multiObjectiveAggregation,
        @InRange(min = 0, minOpen = true) double rewardTimeout,
        @Positive(message = "a whole number >= 1") int rewardParallelism,
        OnRewardFailure onRewardFailure)
        implements RewardConfigCopies {
    public RewardConfig {
        rewardFuncs = List.copyOf(rewardFuncs);
        rewardWeights = List.copyOf(rewardWeights);
    }

    /// The defaults, as listed at the parameters.
    public static RewardConfig defaults() {
        return RewardConfigCopies.blank()
                .withScaleRewards(Advantages.Scale.GROUP)
                .withMultiObjectiveAggregation(Advantages.Aggregation.SUM_THEN_NORMALIZE)
                .withRewardTimeout(30)
                .withRewardParallelism(2)
                .withOnRewardFailure(OnRewardFailure.STOP);
    }

    /// How rewards become advantages.
    public AdvantageEstimator estimator() {
        return new AdvantageEstimator.GroupRelative(scaleRewards, multiObjectiveAggregation);
    }
}
