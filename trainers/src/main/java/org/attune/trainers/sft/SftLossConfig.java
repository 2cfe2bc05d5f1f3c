package org.attune.trainers.sft;

import org.attune.records.CopyMethods;

import java.util.Optional;

/// The objective of supervised fine-tuning.
///
/// @param lossType which objective
/// @param completionOnlyLoss train on completions only; unset: where the rows have prompt and
///     completion
/// @param assistantOnlyLoss train on the assistant's turns only
@CopyMethods
public record SftLossConfig(
        SftLossType lossType, Optional<Boolean> completionOnlyLoss, boolean assistantOnlyLoss)
        implements SftLossConfigCopies {
    /// The defaults, as listed at the parameters.
    public static SftLossConfig defaults() {
        return SftLossConfigCopies.blank().withLossType(SftLossType.NLL);
    }
}
