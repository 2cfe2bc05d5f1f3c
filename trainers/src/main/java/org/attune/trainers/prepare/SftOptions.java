package org.attune.trainers.prepare;

import org.attune.error.ConfigException;

import java.util.Optional;
import java.util.OptionalInt;

/// How SFT rows are prepared; the names and defaults are TRL's.
///
/// @param maxLength          `max_length`: tokens of a row at most, ≥ 1; empty = no limit. TRL:
///     1024
/// @param truncationMode     `truncation_mode`. TRL: keep_start
/// @param completionOnlyLoss `completion_only_loss`: whether prompts are left out of the loss;
///     empty = where there is a prompt. TRL: empty
/// @param assistantOnlyLoss  `assistant_only_loss`: whether only the assistant's turns count.
///     TRL: false
/// @param trainImageTokens   `train_image_tokens`: whether tokens whose places pictures take count
///     where text around them does. TRL: they do
/// @param packing            `packing` with `packing_strategy`; empty = off. TRL: off (bfd if on)
/// @param rowWeightColumn    the column that says how much a row counts; empty = all alike
public record SftOptions(
        OptionalInt maxLength,
        TruncationMode truncationMode,
        Optional<Boolean> completionOnlyLoss,
        boolean assistantOnlyLoss,
        boolean trainImageTokens,
        Optional<PackingStrategy> packing,
        Optional<String> rowWeightColumn) {

    /// TRL's defaults, but for image tokens.
    public static final SftOptions DEFAULTS =
            new SftOptions(
                    OptionalInt.of(1024),
                    TruncationMode.KEEP_START,
                    Optional.empty(),
                    false,
                    false,
                    Optional.empty(),
                    Optional.empty());

    /// Options by which all rows count alike, and image tokens don't.
    public SftOptions(
            OptionalInt maxLength,
            TruncationMode truncationMode,
            Optional<Boolean> completionOnlyLoss,
            boolean assistantOnlyLoss,
            Optional<PackingStrategy> packing) {
        this(
                maxLength,
                truncationMode,
                completionOnlyLoss,
                assistantOnlyLoss,
                false,
                packing,
                Optional.empty());
    }

    /// @throws ConfigException if packing has no length, or the length isn't positive
    public SftOptions {
        if (maxLength.isPresent() && maxLength.getAsInt() < 1) {
            throw new ConfigException("max_length must be at least 1, got " + maxLength.getAsInt());
        }
        if (packing.isPresent() && maxLength.isEmpty()) {
            throw new ConfigException(
                    "packing needs max_length, the length of a packed row; set max_length, or"
                            + " packing: false");
        }
    }
}
