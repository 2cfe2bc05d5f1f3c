package org.attune.tensor.vector;

/// Consecutive rows that attend to each other, causally, and to all rows of their ancestors.
///
/// @param start first row
/// @param end one past the last
/// @param keyStarts first rows of the ranges that may be seen, ancestors first, the segment's own
///     last
/// @param keyEnds one past the last row of each
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record AttentionSegment(int start, int end, int[] keyStarts, int[] keyEnds) {
    int length() {
        return end - start;
    }

    /// Rows that its last row may see.
    int keys() {
        int n = 0;
        for (int i = 0; i < keyStarts.length; i++) {
            n += keyEnds[i] - keyStarts[i];
        }
        return n;
    }

    /// Rows of ancestors.
    int prefix() {
        return keys() - length();
    }
}
