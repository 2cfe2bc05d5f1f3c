package org.attune.trainers.preference;

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

/// A run of direct preference optimisation. `DpoConfig.defaults()` has TRL's defaults; model,
/// data and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data rows
/// @param length sequence length
/// @param assistantOnlyLoss whether of a completion of several turns only the assistant's count, as
///     where tools answer in between
/// @param loss objective
/// @param variant variations of the objective
/// @param reference reference
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record DpoConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid LengthConfig length,
        boolean assistantOnlyLoss,
        @Valid DpoLossConfig loss,
        @Valid DpoVariantConfig variant,
        @Valid ReferenceConfig reference,
        @Valid TrainingConfig training)
        implements DpoConfigCopies, CrossChecked, ReferencedConfig {
    /// The defaults, as listed at the parameters.
    public static DpoConfig defaults() {
        return DpoConfigCopies.blank().withTraining(TrainingConfig.of(OptimizerConfig.dpo()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        problems.addAll(reference.problems(model, lora));
        if (variant.fDivergenceType() != FDivergence.REVERSE_KL
                && !loss.lossType().stream().allMatch(DpoLossType::isGeneralised)) {
            problems.add(
                    new ConfigProblem(
                            "f_divergence_type",
                            variant.fDivergenceType(),
                            "reverse_kl, unless every loss_type is one of "
                                    + DpoLossType.names(DpoLossType::isGeneralised)));
        }
        if (variant.useWeighting() && !loss.lossType().stream().allMatch(DpoLossType::isWeighted)) {
            problems.add(
                    new ConfigProblem(
                            "use_weighting",
                            true,
                            "false where loss_type has one of "
                                    + DpoLossType.names(type -> !type.isWeighted())));
        }
        return problems;
    }
}
