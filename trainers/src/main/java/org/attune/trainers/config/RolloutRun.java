package org.attune.trainers.config;

import java.util.Optional;
import java.util.Set;

/// A run that generates completions and has them judged, whatever it learns from them.
public interface RolloutRun {
    /// Model and number format.
    ModelConfig model();

    /// Prompts.
    DataConfig data();

    /// How completions are generated.
    GenerationConfig generation();

    /// Which prompts are completed, by whom, and where completions are kept.
    RolloutSourceConfig rollouts();

    /// How they are judged.
    RewardConfig rewards();

    /// What the user calls an entry of [RewardConfig#rewardFuncs].
    ///
    /// @param number of the entry, from 0
    default String rewardPlace(int number) {
        return "reward_funcs[" + number + "]";
    }

    /// How held-out prompts are completed.
    HeldOutConfig heldOut();

    /// Optimizer, schedule, batches, evaluation, checkpoints, logs.
    TrainingConfig training();

    /// Tokens that end a completion; empty: those that the model names.
    default Optional<Set<Integer>> stopIds() {
        return Optional.empty();
    }
}
