package org.attune.examples.best;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Positive;

import org.attune.models.ModelConfig;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.Rewards;
import org.attune.trainers.onpolicy.RolloutReferenceConfig;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.attune.trainers.onpolicy.Sampling;

import java.util.List;

/// A run that learns from the best completion of each prompt.
///
/// @param numGenerations completions of a prompt
/// @param maxCompletionLength most tokens of a completion
/// @param sampling how their tokens are chosen
/// @param rewards what says which completion is the best
public record BestConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Min(2) int numGenerations,
        @Positive int maxCompletionLength,
        @Valid Sampling sampling,
        @Valid Rewards rewards,
        @Valid TrainingConfig training)
        implements RolloutRun, CrossChecked {
    /// Prompts are completed eight times each.
    public static BestConfig defaults() {
        return new BestConfig(
                ModelConfig.defaults(),
                LoraSettings.defaults(),
                DataConfig.defaults(),
                8,
                512,
                Sampling.defaults(),
                Rewards.defaults(),
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

    BestConfig with(Sampling otherSampling, TrainingConfig otherTraining) {
        return new BestConfig(
                model,
                lora,
                data,
                numGenerations,
                maxCompletionLength,
                otherSampling,
                rewards,
                otherTraining);
    }
}
