package org.attune.trainers.batch;

import java.util.Arrays;

/// Sizes of a run's rows, as far as memory depends on them.
///
/// @param longestRow tokens of the longest row
/// @param wholeStep tokens of all rows of an optimizer step together, at most
public record RowTokens(int longestRow, long wholeStep) {
    /// The sizes of rows in any order: a step may get the longest ones together.
    ///
    /// @param lengths tokens of each row
    /// @param rowsOfStep rows of an optimizer step
    public static RowTokens of(int[] lengths, int rowsOfStep) {
        int[] sorted = lengths.clone();
        Arrays.sort(sorted);
        long together = 0;
        for (int i = sorted.length - 1; i >= Math.max(0, sorted.length - rowsOfStep); i--) {
            together += sorted[i];
        }
        return new RowTokens(sorted.length == 0 ? 0 : sorted[sorted.length - 1], together);
    }

    /// The sizes of rows that don't exist yet.
    ///
    /// @param longestRow tokens of a row, at most
    /// @param rowsOfStep rows of an optimizer step
    public static RowTokens atMost(int longestRow, int rowsOfStep) {
        return new RowTokens(longestRow, (long) longestRow * rowsOfStep);
    }
}
