package org.attune.trainers.scoring;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.OptionalInt;

/// What a process reward model learns, and from which tokens: TRL's `PRMConfig`.
///
/// @param maxLength tokens of prompt and steps; what is beyond is cut off. Empty (`null` in YAML):
///     nothing is
/// @param maxCompletionLength the same of the steps alone
/// @param stepSeparator stands behind every step; a step is judged at its last token
/// @param trainOnLastStepOnly whether only the last step of a row is learnt. Held-out rows are
///     judged at all steps
/// @param disableDropout whether the adapter's dropout is off
@CopyMethods
public record StepwiseConfig(
        @InRange(min = 1) OptionalInt maxLength,
        @InRange(min = 1) OptionalInt maxCompletionLength,
        String stepSeparator,
        boolean trainOnLastStepOnly,
        boolean disableDropout)
        implements StepwiseConfigCopies {
    /// The defaults, as listed at the parameters.
    public static StepwiseConfig defaults() {
        return StepwiseConfigCopies.blank()
                .withMaxLength(1024)
                .withStepSeparator("\n")
                .withDisableDropout(true);
    }
}
