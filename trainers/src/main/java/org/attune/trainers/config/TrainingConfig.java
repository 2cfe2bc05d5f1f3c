package org.attune.trainers.config;

import jakarta.validation.Valid;

import org.attune.records.CopyMethods;

import java.util.OptionalLong;

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
@CopyMethods
public record TrainingConfig(
        @Valid OptimizerConfig optimizer,
        @Valid ScheduleConfig schedule,
        @Valid BatchConfig batch,
        @Valid EvalConfig eval,
        @Valid SaveConfig save,
        @Valid LogConfig log,
        long seed,
        OptionalLong dataSeed)
        implements TrainingConfigCopies {
    /// The defaults with the optimizer of a method.
    public static TrainingConfig of(OptimizerConfig optimizer) {
        return TrainingConfigCopies.blank().withOptimizer(optimizer).withSeed(42);
    }
}
