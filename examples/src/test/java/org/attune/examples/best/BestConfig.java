package org.attune.examples.best;

import jakarta.validation.Valid;

import org.attune.models.ModelConfig;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.GenerationConfig;
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.RewardConfig;
import org.attune.trainers.onpolicy.RolloutReferenceConfig;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.onpolicy.RolloutSourceConfig;

import java.util.List;

/// A run that learns from the best completion of each prompt.
///
/// @param generation how prompts are completed
/// @param rewards what says which completion is the best
public record BestConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid GenerationConfig generation,
        @Valid RewardConfig rewards,
        @Valid TrainingConfig training)
        implements RolloutRun, CrossChecked {
    /// Prompts are completed eight times each.
    public static BestConfig defaults() {
        return new BestConfig(
                ModelConfig.defaults(),
                LoraSettings.defaults(),
                DataConfig.defaults(),
                GenerationConfig.defaults().withReuseRolloutActivations(false),
                RewardConfig.defaults(),
                TrainingConfig.of(OptimizerConfig.defaults()));
    }

    @Override
    public String method() {
        return "best";
    }

    /// Held-out prompts get their likeliest completions.
    @Override
    public HeldOutConfig heldOut() {
        return HeldOutConfig.defaults().withEvalTemperature(0);
    }

    @Override
    public RolloutSourceConfig rollouts() {
        return RolloutSourceConfig.defaults();
    }

    @Override
    public RolloutReferenceConfig reference() {
        return RolloutReferenceConfig.defaults();
    }

    @Override
    public CompletionLogConfig completionLog() {
        return CompletionLogConfig.defaults();
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        return rewardProblems();
    }

    BestConfig with(GenerationConfig otherGeneration, TrainingConfig otherTraining) {
        return new BestConfig(model, lora, data, otherGeneration, rewards, otherTraining);
    }
}
