package org.attune.trainers.referencefree;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.LengthConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.TrainingConfig;

import java.util.ArrayList;
import java.util.List;

/// A run of triple preference optimisation.
/// `TpoConfig.defaults()` has TRL's defaults; model, data and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data preference pairs with a third answer, in the column `reference`
/// @param length sequence length
/// @param loss objective
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record TpoConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid LengthConfig length,
        @Valid TpoLossConfig loss,
        @Valid TrainingConfig training)
        implements TpoConfigCopies, CrossChecked, RunConfig {
    /// The defaults, as listed at the parameters.
    public static TpoConfig defaults() {
        return TpoConfigCopies.blank().withTraining(TrainingConfig.of(OptimizerConfig.tpo()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        return problems;
    }
}
