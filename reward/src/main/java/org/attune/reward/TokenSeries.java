package org.attune.reward;

import org.attune.reward.matrix.Matrices;
import org.attune.reward.matrix.Matrix;

import java.util.Arrays;

/// Ragged numbers of tokens as one matrix, completion by completion. `B` completions, `T` tokens of
/// the longest. Only within
/// [Matrices#compute].
///
/// @param values `(B, T)`; 0 behind a completion's end
/// @param mask `(B, T)`; 1 where a number counts, 0 where it doesn't and behind the end
/// @param lengths numbers of each completion
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record TokenSeries(Matrix values, Matrix mask, int[] lengths) {
    /// @param rows numbers of each completion, at least one completion with one number
    /// @param mask 1 or 0 for each
    static TokenSeries of(double[][] rows, double[][] mask) {
        int[] lengths = Arrays.stream(rows).mapToInt(row -> row.length).toArray();
        int longest = Arrays.stream(lengths).max().orElse(0);
        return new TokenSeries(padded(rows, longest), padded(mask, longest), lengths);
    }

    private static Matrix padded(double[][] rows, int longest) {
        double[][] padded = new double[rows.length][];
        for (int i = 0; i < rows.length; i++) {
            padded[i] = Arrays.copyOf(rows[i], longest);
        }
        return Matrices.of(padded);
    }

    TokenSeries with(Matrix other) {
        return new TokenSeries(other, mask, lengths);
    }

    /// The numbers of each completion, without padding.
    double[][] rows() {
        double[] all = values.toArray();
        double[][] rows = new double[lengths.length][];
        for (int i = 0; i < rows.length; i++) {
            int start = i * values.columns();
            rows[i] = Arrays.copyOfRange(all, start, start + lengths[i]);
        }
        return rows;
    }
}
