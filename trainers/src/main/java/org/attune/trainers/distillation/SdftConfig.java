package org.attune.trainers.distillation;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.PositiveOrZero;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.attune.trainers.onpolicy.Sampling;

import java.util.ArrayList;
import java.util.List;

/// A run of self-distillation fine-tuning, TRL's `SDFTConfig`. `SdftConfig.defaults()` has TRL's
/// defaults; model, data and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts with a column `privileged_context`
/// @param numGenerations completions of a prompt; ≥ 1
/// @param maxCompletionLength most tokens of a completion; ≥ 1
/// @param sampling how completions are generated; logits are divided by the temperature in the loss
///     too
/// @param rollouts where completions come from, and where they are kept
/// @param loss objective, and who teaches
/// @param numLossTokensToSkip first tokens of a completion that don't count
/// @param generateFromTeacher whether completions are written behind the teacher's prompt
/// @param teacherPromptTemplate the teacher's prompt, made of `{prompt}` and `{privileged_context}`
/// @param heldOut how held-out prompts are completed
/// @param completionLog what is shown and kept of completions
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record SdftConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Positive(message = "a whole number >= 1") int numGenerations,
        @Positive(message = "a whole number >= 1") int maxCompletionLength,
        @Valid Sampling sampling,
        @Valid RolloutSourceConfig rollouts,
        @Valid SelfDistillationConfig loss,
        @PositiveOrZero(message = "a whole number >= 0") int numLossTokensToSkip,
        boolean generateFromTeacher,
        String teacherPromptTemplate,
        @Valid HeldOutConfig heldOut,
        @Valid CompletionLogConfig completionLog,
        @Valid TrainingConfig training)
        implements SdftConfigCopies, CrossChecked, GeneratingRun {
    /// The defaults, as listed at the parameters.
    public static SdftConfig defaults() {
        return SdftConfigCopies.blank()
                .withNumGenerations(8)
                .withMaxCompletionLength(256)
                .withRollouts(r -> r.withMaxPromptLength(512))
                .withLoss(l -> l.withDistillationAlpha(0.5))
                .withLoss(l -> l.withDistillationMode(SelfDistillationConfig.Mode.TOPK_LOGITS))
                .withLoss(l -> l.withDistillationTopk(100))
                .withTeacherPromptTemplate("{prompt}\n\n{privileged_context}")
                .withData(DataConfig.defaults().withShuffleDataset(true))
                .withTraining(TrainingConfig.of(OptimizerConfig.defaults()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        problems.addAll(sourceProblems());
        problems.addAll(wholeGroups(this));
        TaughtPrompts.problem(teacherPromptTemplate).ifPresent(problems::add);
        return problems;
    }

    /// What doesn't fit where a step isn't whole groups of completions.
    static List<ConfigProblem> wholeGroups(GeneratingRun run) {
        int completions = run.training().batch().rowsOfStep();
        return completions % run.numGenerations() == 0
                ? List.of()
                : List.of(
                        new ConfigProblem(
                                "num_generations",
                                run.numGenerations(),
                                "a divisor of the completions of a step,"
                                        + " per_device_train_batch_size x"
                                        + " gradient_accumulation_steps = "
                                        + completions));
    }
}
