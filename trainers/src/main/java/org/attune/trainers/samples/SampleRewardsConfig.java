package org.attune.trainers.samples;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;
import org.attune.trainers.onpolicy.OnRewardFailure;
import org.attune.trainers.onpolicy.RewardConfig;

import java.util.List;

/// How completions are scored.
///
/// @param rewardFuncs as in GRPO; may be empty with `keep: all`
/// @param rewardWeights one weight per function; empty: 1 each
/// @param rewardTimeout seconds that a call may take
/// @param rewardParallelism calls at once
/// @param onRewardFailure what becomes of the run when many completions got no rewards
@CopyMethods
public record SampleRewardsConfig(
        List<Object> rewardFuncs,
        List<@InRange Double> rewardWeights,
        @InRange(min = 0, minOpen = true) double rewardTimeout,
        @Positive(message = "a whole number >= 1") int rewardParallelism,
        OnRewardFailure onRewardFailure)
        implements SampleRewardsConfigCopies {
    public SampleRewardsConfig {
        rewardFuncs = List.copyOf(rewardFuncs);
        rewardWeights = List.copyOf(rewardWeights);
    }

    /// The defaults, as listed at the parameters.
    public static SampleRewardsConfig defaults() {
        RewardConfig grpo = RewardConfig.defaults();
        return SampleRewardsConfigCopies.blank()
                .withRewardTimeout(grpo.rewardTimeout())
                .withRewardParallelism(grpo.rewardParallelism())
                .withOnRewardFailure(grpo.onRewardFailure());
    }

    /// The settings in the form of a run that trains.
    RewardConfig asRewards() {
        return RewardConfig.defaults()
                .withRewardFuncs(rewardFuncs)
                .withRewardWeights(rewardWeights)
                .withRewardTimeout(rewardTimeout)
                .withRewardParallelism(rewardParallelism)
                .withOnRewardFailure(onRewardFailure);
    }
}
