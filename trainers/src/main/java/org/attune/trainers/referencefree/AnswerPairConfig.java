package org.attune.trainers.referencefree;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.OptionalInt;

/// What ORPO and CPO do with their rows, and how.
///
/// @param maxLength tokens of prompt and completion; a completion's end that is beyond is cut off.
///     Empty (`null` in YAML): nothing is, where TRL takes 512
/// @param disableDropout whether the adapter's dropout is off
/// @param trlCompat whether `logits/chosen` and `logits/rejected` are TRL's means over padded rows,
///     at the price of one more forward pass, and pairs whose prompt leaves no token of a
///     completion are kept by losses on sums; else the means are over the completions' tokens, and
///     such pairs are left out
@CopyMethods
public record AnswerPairConfig(
        @InRange(min = 1) OptionalInt maxLength, boolean disableDropout, boolean trlCompat)
        implements AnswerPairConfigCopies {
    /// The defaults, as listed at the parameters.
    public static AnswerPairConfig defaults() {
        return AnswerPairConfigCopies.blank().withMaxLength(1024).withDisableDropout(true);
    }
}
