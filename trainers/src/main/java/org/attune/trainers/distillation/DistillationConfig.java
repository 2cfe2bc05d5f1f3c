package org.attune.trainers.distillation;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Positive;

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
import org.attune.trainers.onpolicy.AgentConfig;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.attune.trainers.onpolicy.Sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A run of on-policy distillation, TRL's `DistillationConfig`. `DistillationConfig.defaults()` has
/// TRL's defaults; model, teacher, data and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param maxCompletionLength most tokens of a completion; ≥ 1
/// @param sampling how the student's completions are generated, one for each prompt; both models'
///     logits are divided by the temperature
/// @param rollouts where completions come from, and where they are kept
/// @param agent tools and environments, with which completions are episodes
/// @param teacher who teaches
/// @param loss objective
/// @param completionLog what is shown and kept of completions
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record DistillationConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Positive(message = "a whole number >= 1") int maxCompletionLength,
        @Valid Sampling sampling,
        @Valid RolloutSourceConfig rollouts,
        @Valid AgentConfig agent,
        @Valid TeacherConfig teacher,
        @Valid DistillationLossConfig loss,
        @Valid CompletionLogConfig completionLog,
        @Valid TrainingConfig training)
        implements DistillationConfigCopies, CrossChecked, GeneratingRun {
    /// The defaults, as listed at the parameters.
    public static DistillationConfig defaults() {
        return DistillationConfigCopies.blank()
                .withMaxCompletionLength(512)
                .withData(DataConfig.defaults().withShuffleDataset(true))
                .withTraining(TrainingConfig.of(OptimizerConfig.dpo()));
    }

    /// Held-out prompts are completed as those of training.
    @Override
    public HeldOutConfig heldOut() {
        return HeldOutConfig.defaults();
    }

    @Override
    public List<Optional<String>> inputs() {
        List<Optional<String>> inputs = new ArrayList<>(GeneratingRun.super.inputs());
        inputs.addAll(teacher.inputs());
        return inputs;
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        problems.addAll(sourceProblems());
        problems.addAll(teacher.problems(sampling.temperature(), loss.beta()));
        if (loss.weights().isPresent() && loss.beta() != 1) {
            problems.add(
                    new ConfigProblem(
                            "beta",
                            loss.beta(),
                            "1 with distillation_objective: iw_opd, which has the reverse"
                                    + " divergence alone"));
        }
        return problems;
    }
}
