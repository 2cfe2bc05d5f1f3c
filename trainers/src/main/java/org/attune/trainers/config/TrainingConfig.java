package org.attune.trainers.config;

import jakarta.validation.Valid;

import java.util.OptionalLong;
import java.util.function.UnaryOperator;

/// What every method needs to train.
///
/// @param optimizer optimizer and clipping
/// @param schedule duration and learning rate
/// @param batch logical and physical batches
/// @param eval evaluation
/// @param save results and checkpoints
/// @param log metrics
/// @param seed seed of everything random; TRL: 42
/// @param dataSeed seed of the order of the rows; unset: `seed`
public record TrainingConfig(
        @Valid OptimizerConfig optimizer,
        @Valid ScheduleConfig schedule,
        @Valid BatchConfig batch,
        @Valid EvalConfig eval,
        @Valid SaveConfig save,
        @Valid LogConfig log,
        long seed,
        OptionalLong dataSeed) {
    /// The defaults with the optimizer of a method.
    public static TrainingConfig of(OptimizerConfig optimizer) {
        return new TrainingConfig(
                optimizer,
                ScheduleConfig.defaults(),
                BatchConfig.defaults(),
                EvalConfig.defaults(),
                SaveConfig.defaults(),
                LogConfig.defaults(),
                42,
                OptionalLong.empty());
    }

    public TrainingConfig withOptimizer(OptimizerConfig optimizer) {
        return new TrainingConfig(optimizer, schedule, batch, eval, save, log, seed, dataSeed);
    }

    /// Changes a part: `withOptimizer(x -> x.with…(…))`.
    public TrainingConfig withOptimizer(UnaryOperator<OptimizerConfig> change) {
        return new TrainingConfig(
                change.apply(optimizer), schedule, batch, eval, save, log, seed, dataSeed);
    }

    public TrainingConfig withSchedule(ScheduleConfig schedule) {
        return new TrainingConfig(optimizer, schedule, batch, eval, save, log, seed, dataSeed);
    }

    /// Changes a part: `withSchedule(x -> x.with…(…))`.
    public TrainingConfig withSchedule(UnaryOperator<ScheduleConfig> change) {
        return new TrainingConfig(
                optimizer, change.apply(schedule), batch, eval, save, log, seed, dataSeed);
    }

    public TrainingConfig withBatch(BatchConfig batch) {
        return new TrainingConfig(optimizer, schedule, batch, eval, save, log, seed, dataSeed);
    }

    /// Changes a part: `withBatch(x -> x.with…(…))`.
    public TrainingConfig withBatch(UnaryOperator<BatchConfig> change) {
        return new TrainingConfig(
                optimizer, schedule, change.apply(batch), eval, save, log, seed, dataSeed);
    }

    public TrainingConfig withEval(EvalConfig eval) {
        return new TrainingConfig(optimizer, schedule, batch, eval, save, log, seed, dataSeed);
    }

    /// Changes a part: `withEval(x -> x.with…(…))`.
    public TrainingConfig withEval(UnaryOperator<EvalConfig> change) {
        return new TrainingConfig(
                optimizer, schedule, batch, change.apply(eval), save, log, seed, dataSeed);
    }

    public TrainingConfig withSave(SaveConfig save) {
        return new TrainingConfig(optimizer, schedule, batch, eval, save, log, seed, dataSeed);
    }

    /// Changes a part: `withSave(x -> x.with…(…))`.
    public TrainingConfig withSave(UnaryOperator<SaveConfig> change) {
        return new TrainingConfig(
                optimizer, schedule, batch, eval, change.apply(save), log, seed, dataSeed);
    }

    public TrainingConfig withLog(LogConfig log) {
        return new TrainingConfig(optimizer, schedule, batch, eval, save, log, seed, dataSeed);
    }

    /// Changes a part: `withLog(x -> x.with…(…))`.
    public TrainingConfig withLog(UnaryOperator<LogConfig> change) {
        return new TrainingConfig(
                optimizer, schedule, batch, eval, save, change.apply(log), seed, dataSeed);
    }

    public TrainingConfig withSeed(long seed) {
        return new TrainingConfig(optimizer, schedule, batch, eval, save, log, seed, dataSeed);
    }

    public TrainingConfig withDataSeed(long dataSeed) {
        return new TrainingConfig(
                optimizer, schedule, batch, eval, save, log, seed, OptionalLong.of(dataSeed));
    }
}
