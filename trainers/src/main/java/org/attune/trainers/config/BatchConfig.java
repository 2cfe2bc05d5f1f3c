package org.attune.trainers.config;

import org.attune.files.MemorySize;
import org.attune.records.CopyMethods;

import java.util.Optional;
import java.util.OptionalInt;

/// Logical batches, which define the mathematics (rows per device × accumulation, TRL's
/// denominators), and physical ones, which only define memory and speed.
///
/// @param perDeviceTrainBatchSize rows of one logical micro-batch
/// @param perDeviceEvalBatchSize rows of one evaluation batch
/// @param gradientAccumulationSteps logical micro-batches per optimizer step and logical device
/// @param logicalDevices devices that the settings are meant for, TRL's number of processes: a step
///     has so many times the rows. Any number of processes may compute them. Unset: 1
/// @param tokensPerMicroBatch most tokens computed at once; unset:
///     [org.attune.policy.TokenBudget#DEFAULT_TOKENS], and in a run from configuration to
///     files fewer where memory is short, or with `optimizer_in_bwd` as many as the rows of a step
///     may have. Results do not depend on it but for rounding
/// @param gradientCheckpointing recompute activations in the backward pass where memory asks
///     for it; results do not depend on it
/// @param maxMemory most memory that the process may take, from its weights to its Java heap;
///     unset: what the machine has left. Obeyed by computing fewer tokens at once and by
///     recomputing
/// @param trainSamplingStrategy order of the rows
/// @param dataloaderDropLast leave out a last batch that is not full
@CopyMethods
public record BatchConfig(
        @InRange(min = 1) int perDeviceTrainBatchSize,
        @InRange(min = 1) int perDeviceEvalBatchSize,
        @InRange(min = 1) int gradientAccumulationSteps,
        @InRange(min = 1) OptionalInt logicalDevices,
        @InRange(min = 1) OptionalInt tokensPerMicroBatch,
        boolean gradientCheckpointing,
        Optional<MemorySize> maxMemory,
        SamplingStrategy trainSamplingStrategy,
        boolean dataloaderDropLast)
        implements BatchConfigCopies {
    /// The defaults, as listed at the parameters.
    public static BatchConfig defaults() {
        return BatchConfigCopies.blank()
                .withPerDeviceTrainBatchSize(8)
                .withPerDeviceEvalBatchSize(8)
                .withGradientAccumulationSteps(1)
                .withGradientCheckpointing(true)
                .withTrainSamplingStrategy(SamplingStrategy.RANDOM);
    }

    /// Devices that the settings are meant for.
    public int devices() {
        return logicalDevices.orElse(1);
    }

    /// Logical micro-batches of an optimizer step, on all logical devices together.
    public int microBatchesOfStep() {
        return (int) Math.min(Integer.MAX_VALUE, (long) gradientAccumulationSteps * devices());
    }

    /// Rows of an optimizer step, where the data has as many.
    public int rowsOfStep() {
        long rows = (long) perDeviceTrainBatchSize * microBatchesOfStep();
        return (int) Math.min(Integer.MAX_VALUE, rows);
    }
}
