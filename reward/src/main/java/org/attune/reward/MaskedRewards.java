package org.attune.reward;

import org.attune.reward.matrix.Matrices;
import org.attune.reward.matrix.Matrix;

/// Numbers of which some are missing, with the NaN-aware statistics of the field, in double
/// precision. Only within [Matrices#compute].
///
/// @param values `(R, C)`; 0 where missing
/// @param present `(R, C)`; 1 where there is a value, else 0
record MaskedRewards(Matrix values, Matrix present) {
    /// How far a number may be from the mean by rounding, relative to the row's largest.
    private static final double ROUNDING = 1e-12;

    /// @param table `(R, C)`, at least one row; NaN = missing
    static MaskedRewards of(double[][] table) {
        var values = new double[table.length][];
        var present = new double[table.length][];
        for (int i = 0; i < table.length; i++) {
            values[i] = table[i].clone();
            present[i] = new double[table[i].length];
            for (int j = 0; j < table[i].length; j++) {
                boolean missing = Double.isNaN(table[i][j]);
                present[i][j] = missing ? 0 : 1;
                if (missing) {
                    values[i][j] = 0;
                }
            }
        }
        return new MaskedRewards(Matrices.of(values), Matrices.of(present));
    }

    /// Makes a matrix of one row, `(1, n)`.
    static MaskedRewards ofRow(double[] row) {
        return of(new double[][] {row});
    }

    /// Lays the numbers out anew in their order, `columns` to a row.
    MaskedRewards reshape(int columns) {
        int rows = values.rows() * values.columns() / columns;
        return new MaskedRewards(values.reshape(rows, columns), present.reshape(rows, columns));
    }

    /// All numbers in one row, `(1, R·C)`.
    MaskedRewards flat() {
        return new MaskedRewards(values.flat(), present.flat());
    }

    MaskedRewards transpose() {
        return new MaskedRewards(values.transpose(), present.transpose());
    }

    /// Weighted sum of each row, `(R, 1)`: a missing number counts as 0, and the sum is missing
    /// where all are.
    MaskedRewards weightedSums(double[] weights) {
        Matrix factors = Matrices.of(new double[][] {weights}); // (1, C)
        Matrix sums = values.times(factors).rowSums(); // (R, 1)
        Matrix any = present.rowMaxima(); // (R, 1)
        return new MaskedRewards(sums, any);
    }

    /// How many numbers each row has, `(R, 1)`.
    Matrix counts() {
        return present.rowSums();
    }

    /// Sum of each row, `(R, 1)`.
    Matrix sums() {
        return values.rowSums();
    }

    /// Mean of each row, `(R, 1)`; 0 for a row without numbers.
    Matrix means() {
        // at least 1, so that an empty row isn't 0 / 0
        return sums().over(counts().atLeast(1));
    }

    /// Every number less its row's mean, `(R, C)`; exactly 0 where only rounding is left, so that
    /// what depends on the sign doesn't depend on rounding.
    MaskedRewards centred() {
        Matrix centred = values.minus(means()).times(present); // (R, C)
        Matrix largest = values.abs().rowMaxima(); // (R, 1)
        Matrix differs = centred.abs().minus(largest.times(ROUNDING)).greaterThan(0);
        return new MaskedRewards(centred.times(differs), present);
    }

    /// Unbiased standard deviation of each row, `(R, 1)`; 0 for a row of fewer than two numbers,
    /// which has none: see [#defined].
    Matrix deviations() {
        Matrix deviation = centred().values(); // (R, C)
        Matrix squares = deviation.times(deviation).rowSums(); // (R, 1)
        Matrix freedom = counts().plus(-1).atLeast(1); // (R, 1)
        return squares.over(freedom).sqrt();
    }

    /// 1 for a row that has a standard deviation, else 0, `(R, 1)`.
    Matrix defined() {
        return counts().greaterThan(1);
    }

    /// Every number less its row's mean, divided by its row's deviation + `epsilon`. Missing in
    /// rows without a deviation.
    MaskedRewards standardised(double epsilon) {
        Matrix scaled = centred().values().over(deviations().plus(epsilon));
        Matrix left = present.times(defined());
        return new MaskedRewards(scaled.times(left), left);
    }

    /// The numbers in order; `missing` where there is none.
    double[] toArray(double missing) {
        double[] numbers = values.toArray();
        double[] mask = present.toArray();
        for (int i = 0; i < numbers.length; i++) {
            if (mask[i] == 0) {
                numbers[i] = missing;
            }
        }
        return numbers;
    }
}
