package org.attune.trainers.onpolicy;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.InRange;

import java.util.List;

/// What judges completions, in all methods that have them judged.
///
/// @param rewardFuncs reward functions and folders of reward models: texts and maps as a run's file
///     has them, and objects of [org.attune.reward.WeightedReward] or
///     [org.attune.reward.RewardFunction]; may be empty where recorded completions have rewards
/// @param rewardWeights one weight for each; empty: 1 each
/// @param rewardTimeout seconds that a call may take
/// @param rewardParallelism calls at once
/// @param onRewardFailure what becomes of the run when a round got no rewards
@CopyMethods
public record Rewards(
        List<Object> rewardFuncs,
        List<@InRange Double> rewardWeights,
        @InRange(min = 0, minOpen = true) double rewardTimeout,
        @Positive(message = "a whole number >= 1") int rewardParallelism,
        OnRewardFailure onRewardFailure)
        implements RewardsCopies {
    public Rewards {
        rewardFuncs = List.copyOf(rewardFuncs);
        rewardWeights = List.copyOf(rewardWeights);
    }

    /// No rewards yet; two calls at once, each of 30 seconds at most.
    public static Rewards defaults() {
        return RewardsCopies.blank()
                .withRewardTimeout(30)
                .withRewardParallelism(2)
                .withOnRewardFailure(OnRewardFailure.STOP);
    }

    /// What is wrong with the number of weights, if there are some.
    ///
    /// @param judges how many there are
    public List<ConfigProblem> weightProblems(int judges) {
        return rewardWeights.isEmpty() || rewardWeights.size() == judges
                ? List.of()
                : List.of(
                        new ConfigProblem(
                                "reward_weights",
                                rewardWeights,
                                "one weight for each of the " + judges + " in reward_funcs"));
    }
}
