package org.attune.trainers.unpaired;

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
import org.attune.trainers.config.ReferenceConfig;
import org.attune.trainers.config.ReferencedConfig;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.TrainingConfig;

import java.util.ArrayList;
import java.util.List;

/// A run of binary classifier optimisation, TRL's `BCOConfig`. `BcoConfig.defaults()` has TRL's
/// defaults; model, data and output folder must be given. Rows come in file order by default, as
/// TRL's trainer takes them whatever `train_sampling_strategy` says.
///
/// @param model model and number format
/// @param lora adapter
/// @param data labelled completions, or preference pairs
/// @param loss objective
/// @param reference reference
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record BcoConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid BcoLossConfig loss,
        @Valid ReferenceConfig reference,
        @Valid TrainingConfig training)
        implements BcoConfigCopies, CrossChecked, ReferencedConfig {
    /// The defaults, as listed at the parameters.
    public static BcoConfig defaults() {
        return BcoConfigCopies.blank()
                .withTraining(
                        TrainingConfig.of(OptimizerConfig.defaults())
                                .withBatch(
                                        b ->
                                                b.withTrainSamplingStrategy(
                                                        SamplingStrategy.SEQUENTIAL)));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        problems.addAll(reference.problems(model, lora));
        return problems;
    }
}
