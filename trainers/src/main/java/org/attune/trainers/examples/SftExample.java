package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;

import java.util.Arrays;
import java.util.Optional;

/// One document to train on, after truncation.
///
/// @param ids            token ids, `(T)`; do not modify
/// @param completionMask true = counts in the loss, `(T)`; do not modify. The first token may be
///     true, but is never a target: nothing stands before it (TRL counts labels after the shift).
/// @param weights        how much a token counts that does, `(T)`, > 0 there; empty: 1 each
/// @param origin         the row it comes from (of a `wrapped` piece: the row of its first token)
public record SftExample(int[] ids, boolean[] completionMask, float[] weights, RowOrigin origin) {
    private static final float[] EVEN = {};

    public SftExample {
        if (ids.length != completionMask.length) {
            throw new IllegalArgumentException(
                    "%d ids, but %d mask entries".formatted(ids.length, completionMask.length));
        }
        if (weights.length != 0 && weights.length != ids.length) {
            throw new IllegalArgumentException(
                    "%d ids, but %d weights".formatted(ids.length, weights.length));
        }
    }

    /// A document whose tokens, where they count, do so alike.
    public SftExample(int[] ids, boolean[] completionMask, RowOrigin origin) {
        this(ids, completionMask, EVEN, origin);
    }

    /// Number of tokens.
    public int length() {
        return ids.length;
    }

    /// Whether tokens count differently.
    public boolean isWeighted() {
        return weights.length > 0;
    }

    /// How much token `i` counts if it does.
    public float weight(int i) {
        return isWeighted() ? weights[i] : 1;
    }

    /// Number of tokens that are predicted and count in the loss.
    public int trainedTokens() {
        int count = 0;
        for (int i = 1; i < completionMask.length; i++) {
            count += completionMask[i] ? 1 : 0;
        }
        return count;
    }

    /// Sum of their weights.
    public double trainedWeight() {
        if (!isWeighted()) {
            return trainedTokens();
        }
        double sum = 0;
        for (int i = 1; i < completionMask.length; i++) {
            sum += completionMask[i] ? weights[i] : 0;
        }
        return sum;
    }

    /// The last stretch of tokens that count, after all that comes before; empty where nothing
    /// comes before.
    public Optional<CompletionTokens> lastAnswer() {
        int end = ids.length;
        while (end > 0 && !completionMask[end - 1]) {
            end--;
        }
        int start = end;
        while (start > 0 && completionMask[start - 1]) {
            start--;
        }
        return start == 0
                ? Optional.empty()
                : Optional.of(new CompletionTokens(Arrays.copyOf(ids, end), start));
    }

    /// Tokens `[from, to)` as its own document.
    ///
    /// @throws org.attune.error.DatasetException if rows of a picture would be cut off
    public SftExample slice(int from, int to) {
        WholePictures.require(ids, from, to);
        return new SftExample(
                Arrays.copyOfRange(ids, from, to),
                Arrays.copyOfRange(completionMask, from, to),
                isWeighted() ? Arrays.copyOfRange(weights, from, to) : EVEN,
                origin);
    }
}
