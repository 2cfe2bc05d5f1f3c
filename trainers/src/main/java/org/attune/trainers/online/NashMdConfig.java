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
import org.attune.trainers.onpolicy.RolloutReferenceConfig;
import org.attune.trainers.onpolicy.RolloutSourceConfig;

import java.util.OptionalInt;

/// A run of Nash-MD, TRL's `NashMDConfig`, which 1.16 has no longer.
/// `NashMdConfig.defaults()` has its defaults; model, data, rewards and output folder
/// must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param sampling how completions are generated
/// @param rollouts where completions come from, and where they are kept
/// @param agent tools and environments, with which completions are episodes
/// @param judging rewards
/// @param loss objective
/// @param reference reference
/// @param heldOut how held-out prompts are completed
/// @param completionLog what is shown and kept of completions
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record NashMdConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid OnlineSamplingConfig sampling,
        @Valid RolloutSourceConfig rollouts,
        @Valid AgentConfig agent,
        @Valid OnlineRewardConfig judging,
        @Valid NashMdLossConfig loss,
        @Valid RolloutReferenceConfig reference,
        @Valid HeldOutConfig heldOut,
        @Valid CompletionLogConfig completionLog,
        @Valid TrainingConfig training)
        implements NashMdConfigCopies, OnlineRun {
    /// The defaults, as listed at the parameters.
    public static NashMdConfig defaults() {
        return NashMdConfigCopies.blank()
                .withData(DataConfig.defaults().withShuffleDataset(true))
                .withTraining(
                        TrainingConfig.of(
                                OptimizerConfig.defaults()
                                        .withLearningRate(OnlineDpoConfig.LEARNING_RATE)));
    }

    @Override
    public boolean hasOpponent() {
        return true;
    }

    @Override
    public String method() {
        return "nash_md";
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
    public NashMdConfig fitted(TrainingConfig fitted, int slots) {
        return withTraining(fitted).withSampling(s -> s.withGenerationSlots(slots));
    }
}
