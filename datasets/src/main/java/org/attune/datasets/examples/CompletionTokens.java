package org.attune.datasets.examples;

import java.util.Arrays;

/// A prompt with one completion as one token sequence.
///
/// @param ids             prompt and completion, `(T)`; do not modify
/// @param completionStart where the completion begins, in `[0, T]`; 0 if truncation left no
///     prompt
public record CompletionTokens(int[] ids, int completionStart) {
    public CompletionTokens {
        if (completionStart < 0 || completionStart > ids.length) {
            throw new IllegalArgumentException(
                    "the completion starts at %d of %d tokens"
                            .formatted(completionStart, ids.length));
        }
    }

    /// Number of tokens.
    public int length() {
        return ids.length;
    }

    /// Number of completion tokens that are predicted: all but a very first token.
    public int trainedTokens() {
        return Math.max(0, ids.length - Math.max(1, completionStart));
    }

    public int[] promptIds() {
        return Arrays.copyOf(ids, completionStart);
    }

    public int[] completionIds() {
        return Arrays.copyOfRange(ids, completionStart, ids.length);
    }
}
