package org.attune.examples.margin;

import jakarta.validation.Valid;

import org.attune.models.ModelConfig;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.InRange;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.TrainingConfig;

import java.util.List;
import java.util.function.UnaryOperator;

/// A run of the margin method.
///
/// @param gamma γ of [MarginLoss]
public record MarginConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @InRange(min = 0, minOpen = true) double gamma,
        @Valid TrainingConfig training)
        implements RunConfig, CrossChecked {
    /// γ is 1 nat per token.
    public static MarginConfig defaults() {
        return new MarginConfig(
                ModelConfig.defaults(),
                LoraSettings.defaults(),
                DataConfig.defaults(),
                1,
                TrainingConfig.of(OptimizerConfig.defaults()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        return EvalConfig.needsRows(training.eval(), data);
    }

    public MarginConfig withTraining(UnaryOperator<TrainingConfig> change) {
        return new MarginConfig(model, lora, data, gamma, change.apply(training));
    }
}
