package org.attune.trainers.config;

import org.attune.datasets.prepare.TruncationMode;

import java.util.OptionalInt;

/// How long a sequence may be.
///
/// @param maxLength most tokens of one sequence; empty (`null` in YAML): no limit
/// @param truncationMode which end survives truncation
public record LengthConfig(@InRange(min = 1) OptionalInt maxLength, TruncationMode truncationMode) {
    /// The defaults, as listed at the parameters.
    public static LengthConfig defaults() {
        return new LengthConfig(OptionalInt.of(1024), TruncationMode.KEEP_START);
    }

    public LengthConfig withMaxLength(int maxLength) {
        return new LengthConfig(OptionalInt.of(maxLength), truncationMode);
    }

    public LengthConfig withTruncationMode(TruncationMode truncationMode) {
        return new LengthConfig(maxLength, truncationMode);
    }
}
