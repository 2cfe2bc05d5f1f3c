package org.attune.trainers.examples;

import java.util.Arrays;
import java.util.BitSet;

/// A prompt with one completion as one token sequence.
///
/// @param ids             prompt and completion, `(T)`; do not modify
/// @param completionStart where the completion begins, in `[0, T]`; 0 if truncation left no
///     prompt
/// @param foreign positions of the completion's tokens that don't count, as answers of tools
public record CompletionTokens(int[] ids, int completionStart, BitSet foreign) {
    public CompletionTokens {
        if (completionStart < 0 || completionStart > ids.length) {
            throw new IllegalArgumentException(
                    "the completion starts at %d of %d tokens"
                            .formatted(completionStart, ids.length));
        }
        foreign = (BitSet) foreign.clone();
    }

    /// What is left of a sequence whose end is cut off.
    ///
    /// @param most tokens that may stay
    /// @throws org.attune.error.DatasetException if rows of a picture would be cut off
    public static int[] beginning(int[] ids, int most) {
        if (ids.length <= most) {
            return ids;
        }
        WholePictures.require(ids, 0, most);
        return Arrays.copyOf(ids, most);
    }

    /// A completion of which all tokens count.
    public CompletionTokens(int[] ids, int completionStart) {
        this(ids, completionStart, new BitSet());
    }

    /// Number of tokens.
    public int length() {
        return ids.length;
    }

    /// Whether a token is predicted and counts. A very first token is never predicted.
    ///
    /// @param position from 0
    public boolean isTrained(int position) {
        return position >= Math.max(1, completionStart) && !foreign.get(position);
    }

    /// Number of completion tokens that are predicted and count.
    public int trainedTokens() {
        int first = Math.max(1, completionStart);
        int own = Math.max(0, ids.length - first);
        return own - foreign.get(Math.min(first, ids.length), ids.length).cardinality();
    }

    /// Sets the place where what counts begins.
    public CompletionTokens startingAt(int completion) {
        return new CompletionTokens(ids, completion, foreign);
    }

    /// A part of the sequence. Where nothing of the completion is left, it is empty.
    ///
    /// @param from first position, from 0
    /// @param to after the last one
    /// @throws org.attune.error.DatasetException if rows of a picture would be cut off
    public CompletionTokens slice(int from, int to) {
        WholePictures.require(ids, from, to);
        return new CompletionTokens(
                Arrays.copyOfRange(ids, from, to),
                Math.clamp(completionStart - from, 0, to - from),
                foreign.get(from, to));
    }

    public int[] promptIds() {
        return Arrays.copyOf(ids, completionStart);
    }

    public int[] completionIds() {
        return Arrays.copyOfRange(ids, completionStart, ids.length);
    }
}
