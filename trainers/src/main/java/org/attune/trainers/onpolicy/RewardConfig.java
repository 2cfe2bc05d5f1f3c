package org.attune.trainers.onpolicy;

import jakarta.validation.constraints.Positive;

import org.attune.reward.Advantages;
import org.attune.trainers.config.InRange;

import java.util.List;

/// How completions are judged.
///
/// @param rewardFuncs reward functions; may be empty where recorded completions have rewards
/// @param rewardWeights one weight per function; empty: 1 each
/// @param scaleRewards by what advantages are divided
/// @param multiObjectiveAggregation how several rewards become one advantage
/// @param rewardTimeout seconds that a call may take
/// @param rewardParallelism calls at once
/// @param onRewardFailure what becomes of the run when a round got no rewards
public record RewardConfig(
        List<Object> rewardFuncs,
        List<@InRange Double> rewardWeights,
        Advantages.Scale scaleRewards,
        Advantages.Aggregation multiObjectiveAggregation,
        @InRange(min = 0, minOpen = true) double rewardTimeout,
        @Positive(message = "a whole number >= 1") int rewardParallelism,
        OnRewardFailure onRewardFailure) {
    public RewardConfig {
        rewardFuncs = List.copyOf(rewardFuncs);
        rewardWeights = List.copyOf(rewardWeights);
    }

    /// The defaults, as listed at the parameters.
    public static RewardConfig defaults() {
        return new RewardConfig(
                List.of(),
                List.of(),
                Advantages.Scale.GROUP,
                Advantages.Aggregation.SUM_THEN_NORMALIZE,
                30,
                2,
                OnRewardFailure.STOP);
    }

    public RewardConfig withRewardFuncs(List<Object> rewardFuncs) {
        return new RewardConfig(
                rewardFuncs,
                rewardWeights,
                scaleRewards,
                multiObjectiveAggregation,
                rewardTimeout,
                rewardParallelism,
                onRewardFailure);
    }

    public RewardConfig withRewardWeights(List<Double> rewardWeights) {
        return new RewardConfig(
                rewardFuncs,
                rewardWeights,
                scaleRewards,
                multiObjectiveAggregation,
                rewardTimeout,
                rewardParallelism,
                onRewardFailure);
    }

    public RewardConfig withScaleRewards(Advantages.Scale scaleRewards) {
        return new RewardConfig(
                rewardFuncs,
                rewardWeights,
                scaleRewards,
                multiObjectiveAggregation,
                rewardTimeout,
                rewardParallelism,
                onRewardFailure);
    }

    public RewardConfig withMultiObjectiveAggregation(
            Advantages.Aggregation multiObjectiveAggregation) {
        return new RewardConfig(
                rewardFuncs,
                rewardWeights,
                scaleRewards,
                multiObjectiveAggregation,
                rewardTimeout,
                rewardParallelism,
                onRewardFailure);
    }

    public RewardConfig withRewardTimeout(double rewardTimeout) {
        return new RewardConfig(
                rewardFuncs,
                rewardWeights,
                scaleRewards,
                multiObjectiveAggregation,
                rewardTimeout,
                rewardParallelism,
                onRewardFailure);
    }

    public RewardConfig withRewardParallelism(int rewardParallelism) {
        return new RewardConfig(
                rewardFuncs,
                rewardWeights,
                scaleRewards,
                multiObjectiveAggregation,
                rewardTimeout,
                rewardParallelism,
                onRewardFailure);
    }

    public RewardConfig withOnRewardFailure(OnRewardFailure onRewardFailure) {
        return new RewardConfig(
                rewardFuncs,
                rewardWeights,
                scaleRewards,
                multiObjectiveAggregation,
                rewardTimeout,
                rewardParallelism,
                onRewardFailure);
    }
}
