package org.attune.trainers.grpo;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;

/// Whether a round is filled with groups that teach something
/// ([DAPO, 2025, dynamic sampling](https://arxiv.org/abs/2503.14476)).
///
/// @param dynamicSampling complete further prompts until a round has only groups whose rewards
///     differ
/// @param dynamicSamplingMaxBatches most batches of prompts that are completed for a round; what is
///     missing then is filled with groups whose rewards don't differ
@CopyMethods
public record RefillConfig(
        boolean dynamicSampling,
        @Positive(message = "a whole number >= 1") int dynamicSamplingMaxBatches)
        implements RefillConfigCopies {
    /// The defaults, as listed at the parameters.
    public static RefillConfig defaults() {
        return RefillConfigCopies.blank().withDynamicSamplingMaxBatches(10);
    }
}
