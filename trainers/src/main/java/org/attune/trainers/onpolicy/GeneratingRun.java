package org.attune.trainers.onpolicy;

import org.attune.trainers.config.BatchConfig;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.RunConfig;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A run that generates completions, whatever it learns from them.
public interface GeneratingRun extends RunConfig {
    /// How completions are generated.
    GenerationConfig generation();

    /// Which prompts are completed, by whom, and where completions are kept.
    RolloutSourceConfig rollouts();

    /// Tools and environments, with which completions are episodes.
    default AgentConfig agent() {
        return AgentConfig.defaults();
    }

    /// What doesn't fit of a run's tools and environments.
    default List<ConfigProblem> agentProblems() {
        if (!agent().isOn() || rollouts().rolloutServerBaseUrl().isEmpty()) {
            return List.of();
        }
        return List.of(
                new ConfigProblem(
                        "rollout_server_base_url",
                        rollouts().rolloutServerBaseUrl().get(),
                        "unset with tools or environments, whose episodes run in this process"));
    }

    /// How held-out prompts are completed.
    HeldOutConfig heldOut();

    /// What is shown and kept of completions.
    CompletionLogConfig completionLog();

    /// Tokens that end a completion; empty: those that the model names.
    default Optional<Set<Integer>> stopIds() {
        return Optional.empty();
    }

    /// Micro-batches of a round.
    default int microBatchesPerRound() {
        int rows = training().batch().perDeviceTrainBatchSize();
        if (generation().generationBatchSize().isPresent()) {
            return Math.max(1, generation().generationBatchSize().getAsInt() / rows);
        }
        BatchConfig batch = training().batch();
        return batch.devices()
                * generation().stepsPerGeneration().orElse(batch.gradientAccumulationSteps());
    }
}
