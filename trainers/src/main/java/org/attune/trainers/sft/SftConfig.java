package org.attune.trainers.sft;

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
import org.attune.trainers.config.ReferenceConfig;
import org.attune.trainers.config.ReferencedConfig;
import org.attune.trainers.config.TrainingConfig;

import java.util.ArrayList;
import java.util.List;

/// A run of supervised fine-tuning. `SftConfig.defaults()` has TRL's defaults; model, data and
/// output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data rows
/// @param length sequence length
/// @param rows how rows become training rows
/// @param loss objective
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record SftConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid LengthConfig length,
        @Valid SftDataConfig rows,
        @Valid SftLossConfig loss,
        @Valid TrainingConfig training)
        implements SftConfigCopies, CrossChecked, ReferencedConfig {
    /// The defaults, as listed at the parameters.
    public static SftConfig defaults() {
        return SftConfigCopies.blank().withTraining(TrainingConfig.of(OptimizerConfig.sft()));
    }

    /// What the policy starts as.
    @Override
    public ReferenceConfig reference() {
        return ReferenceConfig.defaults();
    }

    @Override
    public boolean hasReference() {
        return loss.lossType() == SftLossType.ASFT;
    }

    @Override
    public boolean comparesDistributions() {
        return true;
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        if (rows.packing() && length.maxLength().isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "max_length", "null", "a number of tokens, since packing is on"));
        }
        if (!loss.lossType().isPlain() && loss.labelSmoothingFactor() > 0) {
            problems.add(
                    new ConfigProblem(
                            "label_smoothing_factor",
                            String.valueOf(loss.labelSmoothingFactor()),
                            "0 with loss_type dft, eaft and asft, which weigh tokens themselves"));
        }
        return problems;
    }
}
