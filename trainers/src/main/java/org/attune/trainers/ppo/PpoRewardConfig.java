package org.attune.trainers.ppo;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;
import org.attune.reward.Advantages;
import org.attune.trainers.config.InRange;
import org.attune.trainers.onpolicy.OnRewardFailure;
import org.attune.trainers.onpolicy.RewardConfig;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// How completions are judged in PPO: by functions, reward models or both.
///
/// @param rewardFuncs reward functions and folders of reward models
/// @param rewardModelPath folder of one more reward model
/// @param rewardWeights one weight for each function, then for the model of `reward_model_path`;
///     empty: 1 each
/// @param rewardTimeout seconds that a call may take
/// @param rewardParallelism calls at once
/// @param onRewardFailure what becomes of the run when a round got no rewards
/// @param missingEosPenalty taken off the score of a completion that didn't end by itself; > 0
/// @param whitenRewards whether the tokens' rewards are scaled to variance 1
@CopyMethods
public record PpoRewardConfig(
        List<Object> rewardFuncs,
        Optional<String> rewardModelPath,
        List<@InRange Double> rewardWeights,
        @InRange(min = 0, minOpen = true) double rewardTimeout,
        @Positive(message = "a whole number >= 1") int rewardParallelism,
        OnRewardFailure onRewardFailure,
        @InRange(min = 0, minOpen = true) OptionalDouble missingEosPenalty,
        boolean whitenRewards)
        implements PpoRewardConfigCopies {
    public PpoRewardConfig {
        rewardFuncs = List.copyOf(rewardFuncs);
        rewardWeights = List.copyOf(rewardWeights);
    }

    /// The defaults, as listed at the parameters.
    public static PpoRewardConfig defaults() {
        return PpoRewardConfigCopies.blank()
                .withRewardTimeout(30)
                .withRewardParallelism(2)
                .withOnRewardFailure(OnRewardFailure.STOP);
    }

    /// The settings in the form that all methods with rollouts share.
    RewardConfig asRewards() {
        var all = new ArrayList<>(rewardFuncs);
        rewardModelPath.ifPresent(path -> all.add(Map.of("model", path)));
        return new RewardConfig(
                all,
                rewardWeights,
                Advantages.Scale.NONE,
                Advantages.Aggregation.SUM_THEN_NORMALIZE,
                rewardTimeout,
                rewardParallelism,
                onRewardFailure);
    }
}
