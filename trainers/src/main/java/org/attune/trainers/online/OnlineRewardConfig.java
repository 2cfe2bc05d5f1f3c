package org.attune.trainers.online;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;
import org.attune.reward.Advantages;
import org.attune.trainers.config.InRange;
import org.attune.trainers.onpolicy.OnRewardFailure;
import org.attune.trainers.onpolicy.RewardConfig;

import java.util.List;
import java.util.OptionalDouble;

/// What says which of two completions is the better one.
///
/// @param rewardFuncs reward functions and folders of reward models
/// @param rewardWeights one weight for each; empty: 1 each
/// @param missingEosPenalty taken off the reward of a completion that didn't end by itself; > 0
/// @param rewardTimeout seconds that a call may take
/// @param rewardParallelism calls at once
/// @param onRewardFailure what becomes of the run when a round got no rewards
@CopyMethods
public record OnlineRewardConfig(
        List<Object> rewardFuncs,
        List<@InRange Double> rewardWeights,
        @InRange(min = 0, minOpen = true) OptionalDouble missingEosPenalty,
        @InRange(min = 0, minOpen = true) double rewardTimeout,
        @Positive(message = "a whole number >= 1") int rewardParallelism,
        OnRewardFailure onRewardFailure)
        implements OnlineRewardConfigCopies {
    public OnlineRewardConfig {
        rewardFuncs = List.copyOf(rewardFuncs);
        rewardWeights = List.copyOf(rewardWeights);
    }

    /// The defaults, as listed at the parameters.
    public static OnlineRewardConfig defaults() {
        return OnlineRewardConfigCopies.blank()
                .withRewardTimeout(30)
                .withRewardParallelism(2)
                .withOnRewardFailure(OnRewardFailure.STOP);
    }

    /// The settings in the form that all methods with rollouts share.
    RewardConfig asRewards() {
        return new RewardConfig(
                rewardFuncs,
                rewardWeights,
                Advantages.Scale.NONE,
                Advantages.Aggregation.SUM_THEN_NORMALIZE,
                rewardTimeout,
                rewardParallelism,
                onRewardFailure);
    }
}
