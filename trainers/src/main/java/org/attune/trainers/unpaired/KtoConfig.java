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
import java.util.OptionalInt;

/// A run of Kahneman-Tversky optimisation, TRL's `KTOConfig`. `KtoConfig.defaults()` has TRL's
/// defaults; model, data and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data labelled completions, or preference pairs
/// @param loss objective
/// @param reference reference
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record KtoConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid KtoLossConfig loss,
        @Valid ReferenceConfig reference,
        @Valid TrainingConfig training)
        implements KtoConfigCopies, CrossChecked, ReferencedConfig {
    /// The defaults, as listed at the parameters.
    public static KtoConfig defaults() {
        return KtoConfigCopies.blank()
                .withTraining(
                        TrainingConfig.of(OptimizerConfig.dpo())
                                .withBatch(
                                        b ->
                                                b.withTrainSamplingStrategy(
                                                        SamplingStrategy.SEQUENTIAL)));
    }

    /// Whether the loss measures a divergence on mismatched completions.
    boolean estimatesDivergence() {
        return loss.lossType() == KtoLossType.KTO;
    }

    /// Rows within which completions change places; empty where that isn't needed.
    OptionalInt mismatchedRows() {
        return estimatesDivergence()
                ? OptionalInt.of(training.batch().perDeviceTrainBatchSize())
                : OptionalInt.empty();
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        problems.addAll(reference.problems(model, lora));
        int rows = training.batch().perDeviceTrainBatchSize();
        if (estimatesDivergence() && rows < 2) {
            problems.add(
                    new ConfigProblem(
                            "per_device_train_batch_size",
                            rows,
                            "2 or more, since loss_type: kto estimates a divergence on completions"
                                    + " that change places with a neighbour (alone, a completion"
                                    + " would cancel its own reward); or loss_type:"
                                    + " apo_zero_unpaired"));
        }
        return problems;
    }
}
