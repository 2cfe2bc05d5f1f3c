package org.attune.trainers.distillation;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Positive;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.reward.Advantages;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.InRange;
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

import java.util.ArrayList;
import java.util.List;

/// A run of self-distillation policy optimisation, TRL's `SDPOConfig`. `SdpoConfig.defaults()` has
/// TRL's defaults; model, data, rewards and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param numGenerations completions of a prompt, a group; ≥ 2
/// @param maxCompletionLength most tokens of a completion; ≥ 1
/// @param sampling how completions are generated; logits are divided by the temperature in the loss
///     too
/// @param rollouts where completions come from, and where they are kept
/// @param rewards what judges completions
/// @param loss how student and teacher are compared, and who teaches
/// @param reprompt what the teacher is told
/// @param distillationWeight share of the distillation in the loss; the rest is a policy gradient's
/// @param lossType how the policy gradient's loss is averaged
/// @param scaleRewards by what its advantages are divided
/// @param maskTruncatedCompletions leave completions out of the loss that hit
///     `max_completion_length`
/// @param heldOut how held-out prompts are completed
/// @param completionLog what is shown and kept of completions
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record SdpoConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Min(value = 2, message = "a whole number >= 2") int numGenerations,
        @Positive(message = "a whole number >= 1") int maxCompletionLength,
        @Valid Sampling sampling,
        @Valid RolloutSourceConfig rollouts,
        @Valid Rewards rewards,
        @Valid SelfDistillationConfig loss,
        @Valid RepromptConfig reprompt,
        @InRange(min = 0, max = 1) double distillationWeight,
        LossType lossType,
        Advantages.Scale scaleRewards,
        boolean maskTruncatedCompletions,
        @Valid HeldOutConfig heldOut,
        @Valid CompletionLogConfig completionLog,
        @Valid TrainingConfig training)
        implements SdpoConfigCopies, CrossChecked, RolloutRun {
    /// How losses of tokens become that of a micro-batch.
    public enum LossType {
        /// The mean over completions of their means over tokens.
        GRPO,
        /// The mean over tokens.
        BNPO,
        /// The sum over tokens divided by `max_completion_length`, then the mean over completions.
        DR_GRPO,
        /// As `bnpo`, as TRL's trainer of this name has it.
        DAPO
    }

    /// The defaults, as listed at the parameters.
    public static SdpoConfig defaults() {
        return SdpoConfigCopies.blank()
                .withNumGenerations(8)
                .withMaxCompletionLength(256)
                .withRollouts(r -> r.withMaxPromptLength(512))
                .withData(DataConfig.defaults().withShuffleDataset(true))
                .withLoss(l -> l.withTeacherModelKind(SelfDistillationConfig.Kind.EMA))
                .withScaleRewards(Advantages.Scale.GROUP)
                .withDistillationWeight(1)
                .withLossType(LossType.DAPO)
                .withTraining(TrainingConfig.of(OptimizerConfig.defaults()));
    }

    @Override
    public String method() {
        return "sdpo";
    }

    @Override
    public RolloutReferenceConfig reference() {
        return RolloutReferenceConfig.defaults();
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        problems.addAll(sourceProblems());
        problems.addAll(rewardProblems());
        problems.addAll(SdftConfig.wholeGroups(this));
        return problems;
    }
}
