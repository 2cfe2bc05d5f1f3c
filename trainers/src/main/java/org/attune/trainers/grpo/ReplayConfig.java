package org.attune.trainers.grpo;

import jakarta.validation.constraints.PositiveOrZero;

import org.attune.records.CopyMethods;

/// Whether groups whose rewards don't differ are replaced by groups of earlier rounds (TRL's
/// experimental `GRPOWithReplayBufferTrainer`).
///
/// @param replayBufferSize most groups that are kept, ≥ 0; 0: none
@CopyMethods
public record ReplayConfig(@PositiveOrZero(message = "a whole number >= 0") int replayBufferSize)
        implements ReplayConfigCopies {
    /// The defaults, as listed at the parameters.
    public static ReplayConfig defaults() {
        return ReplayConfigCopies.blank();
    }
}
