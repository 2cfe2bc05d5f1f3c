package org.attune.reward;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

import java.util.Arrays;

/// Ragged numbers of tokens as one matrix, completion by completion. `B` completions, `T` tokens of
/// the longest. Only on [ArrayThread].
///
/// @param values `(B, T)`; 0 behind a completion's end
/// @param mask `(B, T)`; 1 where a number counts, 0 where it doesn't and behind the end
/// @param lengths numbers of each completion
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record TokenSeries(INDArray values, INDArray mask, int[] lengths) {
    static {
        MaskedRewards.load();
    }

    /// @param rows numbers of each completion, at least one completion with one number
    /// @param mask 1 or 0 for each
    static TokenSeries of(double[][] rows, double[][] mask) {
        int[] lengths = Arrays.stream(rows).mapToInt(row -> row.length).toArray();
        int longest = Arrays.stream(lengths).max().orElse(0);
        return new TokenSeries(padded(rows, longest), padded(mask, longest), lengths);
    }

    private static INDArray padded(double[][] rows, int longest) {
        double[][] padded = new double[rows.length][];
        for (int i = 0; i < rows.length; i++) {
            padded[i] = Arrays.copyOf(rows[i], longest);
        }
        return Nd4j.createFromArray(padded);
    }

    TokenSeries with(INDArray other) {
        return new TokenSeries(other, mask, lengths);
    }

    /// The numbers of each completion, without padding.
    double[][] rows() {
        double[][] rows = values.toDoubleMatrix();
        for (int i = 0; i < rows.length; i++) {
            rows[i] = Arrays.copyOf(rows[i], lengths[i]);
        }
        return rows;
    }
}
