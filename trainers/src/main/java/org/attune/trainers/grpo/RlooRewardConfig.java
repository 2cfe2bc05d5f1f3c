package org.attune.trainers.grpo;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;
import org.attune.trainers.onpolicy.OnRewardFailure;
import org.attune.trainers.onpolicy.RewardConfig;

import java.util.List;

/// How completions are judged in RLOO.
///
/// @param rewardFuncs reward functions; may be empty where recorded completions have rewards
/// @param rewardWeights one weight per function; empty: 1 each
/// @param rewardTimeout seconds that a call may take
/// @param rewardParallelism calls at once
/// @param onRewardFailure what becomes of the run when a round got no rewards
@CopyMethods
public record RlooRewardConfig(
        List<Object> rewardFuncs,
        List<@InRange Double> rewardWeights,
        @InRange(min = 0, minOpen = true) double rewardTimeout,
        @Positive(message = "a whole number >= 1") int rewardParallelism,
        OnRewardFailure onRewardFailure)
        implements RlooRewardConfigCopies {
    public RlooRewardConfig {
        rewardFuncs = List.copyOf(rewardFuncs);
        rewardWeights = List.copyOf(rewardWeights);
    }

    /// The defaults, as listed at the parameters.
    public static RlooRewardConfig defaults() {
        RewardConfig shared = RewardConfig.defaults();
        return RlooRewardConfigCopies.blank()
                .withRewardTimeout(shared.rewardTimeout())
                .withRewardParallelism(shared.rewardParallelism())
                .withOnRewardFailure(shared.onRewardFailure());
    }

    /// The settings in the form that all methods with rollouts share.
    RewardConfig asRewards() {
        return RewardConfig.defaults()
                .withRewardFuncs(rewardFuncs)
                .withRewardWeights(rewardWeights)
                .withRewardTimeout(rewardTimeout)
                .withRewardParallelism(rewardParallelism)
                .withOnRewardFailure(onRewardFailure);
    }
}
