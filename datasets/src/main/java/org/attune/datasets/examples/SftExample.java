package org.attune.datasets.examples;

import org.attune.datasets.rows.RowOrigin;

import java.util.Arrays;

/// One document to train on, after truncation.
///
/// @param ids            token ids, `(T)`; do not modify
/// @param completionMask true = counts in the loss, `(T)`; do not modify. The first token may be
///     true, but is never a target: nothing stands before it (TRL counts labels after the shift).
/// @param origin         the row it comes from (of a `wrapped` piece: the row of its first token)
public record SftExample(int[] ids, boolean[] completionMask, RowOrigin origin) {
    public SftExample {
        if (ids.length != completionMask.length) {
            throw new IllegalArgumentException(
                    "%d ids, but %d mask entries".formatted(ids.length, completionMask.length));
        }
    }

    /// Number of tokens.
    public int length() {
        return ids.length;
    }

    /// Number of tokens that are predicted and count in the loss.
    public int trainedTokens() {
        int count = 0;
        for (int i = 1; i < completionMask.length; i++) {
            count += completionMask[i] ? 1 : 0;
        }
        return count;
    }

    /// Tokens `[from, to)` as its own document.
    public SftExample slice(int from, int to) {
        return new SftExample(
                Arrays.copyOfRange(ids, from, to),
                Arrays.copyOfRange(completionMask, from, to),
                origin);
    }
}
