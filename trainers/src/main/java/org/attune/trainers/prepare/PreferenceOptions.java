package org.attune.trainers.prepare;

import org.attune.error.ConfigException;
import org.attune.trainers.examples.CompletionTokens;

import java.util.OptionalInt;

/// How preference pairs are prepared; the names and defaults are TRL's.
///
/// @param maxLength      `max_length`: tokens of prompt and completion at most, ≥ 1; empty = no
///     limit. TRL: 1024
/// @param truncationMode `truncation_mode`. TRL: keep_start
/// @param assistantOnlyLoss whether of a completion of several turns only the assistant's count, as
///     where tools answer in between. TRL: all count
public record PreferenceOptions(
        OptionalInt maxLength, TruncationMode truncationMode, boolean assistantOnlyLoss) {
    /// TRL's defaults.
    public static final PreferenceOptions DEFAULTS =
            new PreferenceOptions(OptionalInt.of(1024), TruncationMode.KEEP_START);

    /// Options by which all tokens of a completion count.
    public PreferenceOptions(OptionalInt maxLength, TruncationMode truncationMode) {
        this(maxLength, truncationMode, false);
    }

    /// @throws ConfigException if the length isn't positive
    public PreferenceOptions {
        if (maxLength.isPresent() && maxLength.getAsInt() < 1) {
            throw new ConfigException("max_length must be at least 1, got " + maxLength.getAsInt());
        }
    }

    /// A side cut to the length. Where that leaves no token of the completion, it is empty.
    CompletionTokens cut(CompletionTokens side) {
        int limit = maxLength.orElse(Integer.MAX_VALUE);
        int excess = side.length() - limit;
        if (excess <= 0) {
            return side;
        }
        return switch (truncationMode) {
            case KEEP_START -> side.slice(0, limit);
            case KEEP_END -> side.slice(excess, side.length());
        };
    }

    /// Whether the start is what stays and a prompt leaves no room behind it.
    ///
    /// @param prompt its tokens
    boolean isFilledBy(int prompt) {
        return maxLength.isPresent()
                && truncationMode == TruncationMode.KEEP_START
                && prompt >= maxLength.getAsInt();
    }
}
