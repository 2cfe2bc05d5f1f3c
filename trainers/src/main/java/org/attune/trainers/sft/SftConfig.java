package org.attune.trainers.sft;

import jakarta.validation.Valid;

import org.attune.models.ModelConfig;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.LengthConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

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
public record SftConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid LengthConfig length,
        @Valid SftDataConfig rows,
        @Valid SftLossConfig loss,
        @Valid TrainingConfig training)
        implements CrossChecked {
    /// The defaults, as listed at the parameters.
    public static SftConfig defaults() {
        return new SftConfig(
                ModelConfig.defaults(),
                LoraSettings.defaults(),
                DataConfig.defaults(),
                LengthConfig.defaults(),
                SftDataConfig.defaults(),
                SftLossConfig.defaults(),
                TrainingConfig.of(OptimizerConfig.sft()));
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
        return problems;
    }

    public SftConfig withModel(ModelConfig model) {
        return new SftConfig(model, lora, data, length, rows, loss, training);
    }

    /// Changes a part: `withModel(x -> x.with…(…))`.
    public SftConfig withModel(UnaryOperator<ModelConfig> change) {
        return new SftConfig(change.apply(model), lora, data, length, rows, loss, training);
    }

    public SftConfig withLora(LoraSettings lora) {
        return new SftConfig(model, lora, data, length, rows, loss, training);
    }

    /// Changes a part: `withLora(x -> x.with…(…))`.
    public SftConfig withLora(UnaryOperator<LoraSettings> change) {
        return new SftConfig(model, change.apply(lora), data, length, rows, loss, training);
    }

    public SftConfig withData(DataConfig data) {
        return new SftConfig(model, lora, data, length, rows, loss, training);
    }

    /// Changes a part: `withData(x -> x.with…(…))`.
    public SftConfig withData(UnaryOperator<DataConfig> change) {
        return new SftConfig(model, lora, change.apply(data), length, rows, loss, training);
    }

    public SftConfig withLength(LengthConfig length) {
        return new SftConfig(model, lora, data, length, rows, loss, training);
    }

    /// Changes a part: `withLength(x -> x.with…(…))`.
    public SftConfig withLength(UnaryOperator<LengthConfig> change) {
        return new SftConfig(model, lora, data, change.apply(length), rows, loss, training);
    }

    public SftConfig withRows(SftDataConfig rows) {
        return new SftConfig(model, lora, data, length, rows, loss, training);
    }

    /// Changes a part: `withRows(x -> x.with…(…))`.
    public SftConfig withRows(UnaryOperator<SftDataConfig> change) {
        return new SftConfig(model, lora, data, length, change.apply(rows), loss, training);
    }

    public SftConfig withLoss(SftLossConfig loss) {
        return new SftConfig(model, lora, data, length, rows, loss, training);
    }

    /// Changes a part: `withLoss(x -> x.with…(…))`.
    public SftConfig withLoss(UnaryOperator<SftLossConfig> change) {
        return new SftConfig(model, lora, data, length, rows, change.apply(loss), training);
    }

    public SftConfig withTraining(TrainingConfig training) {
        return new SftConfig(model, lora, data, length, rows, loss, training);
    }

    /// Changes a part: `withTraining(x -> x.with…(…))`.
    public SftConfig withTraining(UnaryOperator<TrainingConfig> change) {
        return new SftConfig(model, lora, data, length, rows, loss, change.apply(training));
    }
}
