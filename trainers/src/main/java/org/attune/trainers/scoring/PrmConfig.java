package org.attune.trainers.scoring;

import jakarta.validation.Valid;

import org.attune.models.ModelConfig;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// A run that trains a process reward model, TRL's `PRMConfig`. `PrmConfig.defaults()` has TRL's
/// defaults; model, data and output folder must be given.
///
/// @param model a process reward model to train on, or a causal language model, which gets a score
///     head
/// @param lora adapter
/// @param data judged solutions
/// @param steps what is learnt from them
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
public record PrmConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid StepwiseConfig steps,
        @Valid TrainingConfig training)
        implements CrossChecked {
    /// The defaults, as listed at the parameters.
    public static PrmConfig defaults() {
        return new PrmConfig(
                ModelConfig.defaults(),
                LoraSettings.defaults(),
                DataConfig.defaults(),
                StepwiseConfig.defaults(),
                TrainingConfig.of(OptimizerConfig.prm()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        return problems;
    }

    public PrmConfig withModel(ModelConfig model) {
        return new PrmConfig(model, lora, data, steps, training);
    }

    /// Changes a part: `withModel(x -> x.with…(…))`.
    public PrmConfig withModel(UnaryOperator<ModelConfig> change) {
        return new PrmConfig(change.apply(model), lora, data, steps, training);
    }

    public PrmConfig withLora(LoraSettings lora) {
        return new PrmConfig(model, lora, data, steps, training);
    }

    /// Changes a part: `withLora(x -> x.with…(…))`.
    public PrmConfig withLora(UnaryOperator<LoraSettings> change) {
        return new PrmConfig(model, change.apply(lora), data, steps, training);
    }

    public PrmConfig withData(DataConfig data) {
        return new PrmConfig(model, lora, data, steps, training);
    }

    /// Changes a part: `withData(x -> x.with…(…))`.
    public PrmConfig withData(UnaryOperator<DataConfig> change) {
        return new PrmConfig(model, lora, change.apply(data), steps, training);
    }

    public PrmConfig withSteps(StepwiseConfig steps) {
        return new PrmConfig(model, lora, data, steps, training);
    }

    /// Changes a part: `withSteps(x -> x.with…(…))`.
    public PrmConfig withSteps(UnaryOperator<StepwiseConfig> change) {
        return new PrmConfig(model, lora, data, change.apply(steps), training);
    }

    public PrmConfig withTraining(TrainingConfig training) {
        return new PrmConfig(model, lora, data, steps, training);
    }

    /// Changes a part: `withTraining(x -> x.with…(…))`.
    public PrmConfig withTraining(UnaryOperator<TrainingConfig> change) {
        return new PrmConfig(model, lora, data, steps, change.apply(training));
    }
}
