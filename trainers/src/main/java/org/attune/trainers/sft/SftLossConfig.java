package org.attune.trainers.sft;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.Optional;

/// The objective of supervised fine-tuning.
///
/// @param lossType which objective
/// @param completionOnlyLoss train on completions only; unset: where the rows have prompt and
///     completion
/// @param assistantOnlyLoss train on the assistant's turns only
/// @param labelSmoothingFactor `ε`: of the label's weight so much goes to all tokens of the
///     vocabulary alike
@CopyMethods
public record SftLossConfig(
        SftLossType lossType,
        Optional<Boolean> completionOnlyLoss,
        boolean assistantOnlyLoss,
        @InRange(min = 0, max = 1) double labelSmoothingFactor)
        implements SftLossConfigCopies {
    /// The defaults, as listed at the parameters.
    public static SftLossConfig defaults() {
        return SftLossConfigCopies.blank().withLossType(SftLossType.NLL);
    }
}
