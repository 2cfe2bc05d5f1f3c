package org.attune.trainers.config;

import org.attune.records.CopyMethods;
import org.attune.trainers.prepare.TruncationMode;

import java.util.OptionalInt;

/// How long a sequence may be.
///
/// @param maxLength most tokens of one sequence; empty (`null` in YAML): no limit
/// @param truncationMode which end survives truncation
@CopyMethods
public record LengthConfig(@InRange(min = 1) OptionalInt maxLength, TruncationMode truncationMode)
        implements LengthConfigCopies {
    /// The defaults, as listed at the parameters.
    public static LengthConfig defaults() {
        return LengthConfigCopies.blank()
                .withMaxLength(1024)
                .withTruncationMode(TruncationMode.KEEP_START);
    }
}
