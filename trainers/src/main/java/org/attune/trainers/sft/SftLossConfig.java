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
/// @param trainImageTokens train on the tokens whose places pictures take too, as TRL does in
///     whole conversations
/// @param labelSmoothingFactor `ε`: of the label's weight so much goes to all tokens of the
///     vocabulary alike
/// @param eaftAlpha `α` of EAFT's weight `(H/3)^α`
/// @param asftAlpha weight of ASFT's divergence from the model at the start
@CopyMethods
public record SftLossConfig(
        SftLossType lossType,
        Optional<Boolean> completionOnlyLoss,
        boolean assistantOnlyLoss,
        boolean trainImageTokens,
        @InRange(min = 0, max = 1) double labelSmoothingFactor,
        @InRange(min = 0) double eaftAlpha,
        @InRange(min = 0) double asftAlpha)
        implements SftLossConfigCopies {
    /// The defaults, as listed at the parameters.
    public static SftLossConfig defaults() {
        return SftLossConfigCopies.blank()
                .withLossType(SftLossType.NLL)
                .withEaftAlpha(1)
                .withAsftAlpha(0.1);
    }
}
