package org.attune.trainers.onpolicy;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.OptionalInt;

/// How many completions a round has, and how it is used.
///
/// @param generationBatchSize completions of a round; unset: what `steps_per_generation` makes
/// @param stepsPerGeneration micro-batches of a round; unset: `gradient_accumulation_steps`
/// @param numIterations times that a round is used; ≥ 1
/// @param reuseRolloutActivations whether what generation computes serves as the forward pass,
///     where a step uses up its round, nothing is dropped, sequences are short and memory suffices.
///     Memory, speed and rounding only
@CopyMethods
public record RoundConfig(
        @InRange(min = 1) OptionalInt generationBatchSize,
        @InRange(min = 1) OptionalInt stepsPerGeneration,
        @Positive(message = "a whole number >= 1") int numIterations,
        boolean reuseRolloutActivations)
        implements RoundConfigCopies {
    /// The defaults, as listed at the parameters.
    public static RoundConfig defaults() {
        return RoundConfigCopies.blank().withNumIterations(1).withReuseRolloutActivations(true);
    }
}
