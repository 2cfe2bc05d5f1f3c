package org.attune.trainers.sft;

import java.util.Optional;

/// The objective of supervised fine-tuning.
///
/// @param lossType which objective
/// @param completionOnlyLoss train on completions only; unset: where the rows have prompt and
///     completion
/// @param assistantOnlyLoss train on the assistant's turns only
public record SftLossConfig(
        SftLossType lossType, Optional<Boolean> completionOnlyLoss, boolean assistantOnlyLoss) {
    /// The defaults, as listed at the parameters.
    public static SftLossConfig defaults() {
        return new SftLossConfig(SftLossType.NLL, Optional.empty(), false);
    }

    public SftLossConfig withLossType(SftLossType lossType) {
        return new SftLossConfig(lossType, completionOnlyLoss, assistantOnlyLoss);
    }

    public SftLossConfig withCompletionOnlyLoss(Boolean completionOnlyLoss) {
        return new SftLossConfig(lossType, Optional.of(completionOnlyLoss), assistantOnlyLoss);
    }

    public SftLossConfig withAssistantOnlyLoss(boolean assistantOnlyLoss) {
        return new SftLossConfig(lossType, completionOnlyLoss, assistantOnlyLoss);
    }
}
