package org.attune.trainers.online;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.onpolicy.AgentConfig;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.LagConfig;
import org.attune.trainers.onpolicy.RolloutReferenceConfig;
import org.attune.trainers.onpolicy.RolloutSourceConfig;

import java.util.OptionalInt;

/// A run of online direct preference optimisation, TRL's `OnlineDPOConfig`.
/// `OnlineDpoConfig.defaults()` has TRL's defaults; model, data, rewards and output folder must be
/// given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param sampling how completions are generated
/// @param rollouts where completions come from, and where they are kept
/// @param lag whether completions are written ahead of the steps that learn from them
/// @param agent tools and environments, with which completions are episodes
/// @param judging rewards
/// @param loss objective
/// @param reference reference
/// @param heldOut how held-out prompts are completed
/// @param completionLog what is shown and kept of completions
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record OnlineDpoConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid OnlineSamplingConfig sampling,
        @Valid RolloutSourceConfig rollouts,
        @Valid LagConfig lag,
        @Valid AgentConfig agent,
        @Valid OnlineRewardConfig judging,
        @Valid OnlineLossConfig loss,
        @Valid RolloutReferenceConfig reference,
        @Valid HeldOutConfig heldOut,
        @Valid CompletionLogConfig completionLog,
        @Valid TrainingConfig training)
        implements OnlineDpoConfigCopies, OnlineRun {
    static final double LEARNING_RATE = 5e-7;

    /// The defaults, as listed at the parameters.
    public static OnlineDpoConfig defaults() {
        return OnlineDpoConfigCopies.blank()
                .withData(DataConfig.defaults().withShuffleDataset(true))
                .withTraining(
                        TrainingConfig.of(
                                OptimizerConfig.defaults().withLearningRate(LEARNING_RATE)));
    }

    @Override
    public String method() {
        return "online_dpo";
    }

    @Override
    public OptionalInt maxLength() {
        return loss.maxLength();
    }

    @Override
    public boolean disableDropout() {
        return loss.disableDropout();
    }

    @Override
    public OnlineDpoConfig fitted(TrainingConfig fitted, int slots) {
        return withTraining(fitted).withSampling(s -> s.withGenerationSlots(slots));
    }
}
