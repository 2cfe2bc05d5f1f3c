package org.attune.trainers.scoring;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.TrainingConfig;

import java.util.ArrayList;
import java.util.List;

/// A run that trains a process reward model, TRL's `PRMConfig`. `PrmConfig.defaults()` has TRL's
/// defaults; model, data and output folder must be given.
///
/// @param model a process reward model to train on, or a causal language model, which gets a score
///     head
/// @param lora adapter
/// @param data judged solutions
/// @param steps what is learnt from them
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record PrmConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid StepwiseConfig steps,
        @Valid TrainingConfig training)
        implements PrmConfigCopies, CrossChecked, RunConfig {
    /// The defaults, as listed at the parameters.
    public static PrmConfig defaults() {
        return PrmConfigCopies.blank().withTraining(TrainingConfig.of(OptimizerConfig.prm()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        return problems;
    }
}
