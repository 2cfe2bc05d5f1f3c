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

/// A run of reward modelling, TRL's `RewardConfig`. `RewardTrainerConfig.defaults()` has TRL's
/// defaults; model, data and output folder must be given.
///
/// @param model a reward model to train on, or a causal language model, which gets a score head
/// @param lora adapter
/// @param data preference pairs
/// @param loss objective
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
public record RewardTrainerConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid RewardLossConfig loss,
        @Valid TrainingConfig training)
        implements CrossChecked {
    /// The defaults, as listed at the parameters.
    public static RewardTrainerConfig defaults() {
        return new RewardTrainerConfig(
                ModelConfig.defaults(),
                LoraSettings.defaults(),
                DataConfig.defaults(),
                RewardLossConfig.defaults(),
                TrainingConfig.of(OptimizerConfig.reward()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        return problems;
    }

    public RewardTrainerConfig withModel(ModelConfig model) {
        return new RewardTrainerConfig(model, lora, data, loss, training);
    }

    /// Changes a part: `withModel(x -> x.with…(…))`.
    public RewardTrainerConfig withModel(UnaryOperator<ModelConfig> change) {
        return new RewardTrainerConfig(change.apply(model), lora, data, loss, training);
    }

    public RewardTrainerConfig withLora(LoraSettings lora) {
        return new RewardTrainerConfig(model, lora, data, loss, training);
    }

    /// Changes a part: `withLora(x -> x.with…(…))`.
    public RewardTrainerConfig withLora(UnaryOperator<LoraSettings> change) {
        return new RewardTrainerConfig(model, change.apply(lora), data, loss, training);
    }

    public RewardTrainerConfig withData(DataConfig data) {
        return new RewardTrainerConfig(model, lora, data, loss, training);
    }

    /// Changes a part: `withData(x -> x.with…(…))`.
    public RewardTrainerConfig withData(UnaryOperator<DataConfig> change) {
        return new RewardTrainerConfig(model, lora, change.apply(data), loss, training);
    }

    public RewardTrainerConfig withLoss(RewardLossConfig loss) {
        return new RewardTrainerConfig(model, lora, data, loss, training);
    }

    /// Changes a part: `withLoss(x -> x.with…(…))`.
    public RewardTrainerConfig withLoss(UnaryOperator<RewardLossConfig> change) {
        return new RewardTrainerConfig(model, lora, data, change.apply(loss), training);
    }

    public RewardTrainerConfig withTraining(TrainingConfig training) {
        return new RewardTrainerConfig(model, lora, data, loss, training);
    }

    /// Changes a part: `withTraining(x -> x.with…(…))`.
    public RewardTrainerConfig withTraining(UnaryOperator<TrainingConfig> change) {
        return new RewardTrainerConfig(model, lora, data, loss, change.apply(training));
    }
}
