package org.attune.trainers.online;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Positive;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.InRange;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.onpolicy.AgentConfig;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.LagConfig;
import org.attune.trainers.onpolicy.Rewards;
import org.attune.trainers.onpolicy.RolloutReferenceConfig;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.attune.trainers.onpolicy.Sampling;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/// A run of online direct preference optimisation, TRL's `OnlineDPOConfig`.
/// `OnlineDpoConfig.defaults()` has TRL's defaults; model, data, rewards and output folder must be
/// given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param maxNewTokens most tokens of a completion; ≥ 1
/// @param sampling how completions are generated, two for each prompt; the loss does not use the
///     temperature, as in TRL
/// @param rollouts where completions come from, and where they are kept
/// @param lag whether completions are written ahead of the steps that learn from them
/// @param agent tools and environments, with which completions are episodes
/// @param rewards what says which of two completions is the better one
/// @param missingEosPenalty taken off the reward of a completion that didn't end by itself; > 0
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
        @Positive(message = "a whole number >= 1") int maxNewTokens,
        @Valid Sampling sampling,
        @Valid RolloutSourceConfig rollouts,
        @Valid LagConfig lag,
        @Valid AgentConfig agent,
        @Valid Rewards rewards,
        @InRange(min = 0, minOpen = true) OptionalDouble missingEosPenalty,
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
                .withMaxNewTokens(MAX_NEW_TOKENS)
                .withSampling(SAMPLING)
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
