package org.attune.reward;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.nd4j.nativeblas.NativeOpsHolder;

/// Numbers of which some are missing, with the NaN-aware statistics of the field. Double precision
/// on one thread; the native library is loaded when this class is first used.
///
/// @param values `(R, C)`; 0 where missing
/// @param present `(R, C)`; 1 where there is a value, else 0
record MaskedRewards(INDArray values, INDArray present) {
    private static final int ACROSS = 1;

    /// How far a number may be from the mean by rounding, relative to the row's largest.
    private static final double ROUNDING = 1e-12;

    static {
        Nd4j.getBackend(); // loads the native library, which the next line needs
        // libtorch wants the cores, and these arrays are small.
        NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(1);
    }

    /// Does nothing but load this class, and the native library with it.
    static void load() {}

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
        return new MaskedRewards(Nd4j.createFromArray(values), Nd4j.createFromArray(present));
    }

    /// One row, `(1, n)`.
    static MaskedRewards ofRow(double[] row) {
        return of(new double[][] {row});
    }

    /// The same numbers in order, `columns` to a row.
    MaskedRewards reshape(long columns) {
        long rows = values.length() / columns;
        return new MaskedRewards(values.reshape(rows, columns), present.reshape(rows, columns));
    }

    /// All numbers in one row, `(1, R·C)`.
    MaskedRewards flat() {
        return reshape(values.length());
    }

    MaskedRewards transpose() {
        return new MaskedRewards(values.transpose().dup('c'), present.transpose().dup('c'));
    }

    /// Weighted sum of each row, `(R, 1)`: a missing number counts as 0, and the sum is missing
    /// where all are.
    MaskedRewards weightedSums(double[] weights) {
        INDArray factors = Nd4j.createFromArray(new double[][] {weights}); // (1, C)
        INDArray sums = values.mulRowVector(factors).sum(true, ACROSS); // (R, 1)
        INDArray any = present.max(true, ACROSS); // (R, 1)
        return new MaskedRewards(sums, any);
    }

    /// How many numbers each row has, `(R, 1)`.
    INDArray counts() {
        return present.sum(true, ACROSS);
    }

    /// Sum of each row, `(R, 1)`.
    INDArray sums() {
        return values.sum(true, ACROSS);
    }

    /// Mean of each row, `(R, 1)`; 0 for a row without numbers.
    INDArray means() {
        // at least 1, so that an empty row isn't 0 / 0
        return sums().div(Transforms.max(counts(), 1, true));
    }

    /// Every number less its row's mean, `(R, C)`; exactly 0 where only rounding is left, so that
    /// what depends on the sign doesn't depend on rounding.
    MaskedRewards centred() {
        INDArray centred = values.subColumnVector(means()).muli(present); // (R, C)
        INDArray largest = Transforms.abs(values, true).max(true, ACROSS); // (R, 1)
        INDArray differs =
                Transforms.abs(centred, true)
                        .subiColumnVector(largest.mul(ROUNDING))
                        .gt(0)
                        .castTo(DataType.DOUBLE);
        return new MaskedRewards(centred.muli(differs), present);
    }

    /// Unbiased standard deviation of each row, `(R, 1)`; 0 for a row of fewer than two numbers,
    /// which has none: see [#defined].
    INDArray deviations() {
        INDArray deviation = centred().values(); // (R, C)
        INDArray squares = deviation.mul(deviation).sum(true, ACROSS); // (R, 1)
        INDArray freedom = Transforms.max(counts().sub(1), 1, true); // (R, 1)
        return Transforms.sqrt(squares.divi(freedom), false);
    }

    /// 1 for a row that has a standard deviation, else 0, `(R, 1)`.
    INDArray defined() {
        return counts().gte(2).castTo(DataType.DOUBLE);
    }

    /// Every number less its row's mean, divided by its row's deviation + `epsilon`. Missing in
    /// rows without a deviation.
    MaskedRewards standardised(double epsilon) {
        INDArray scaled = centred().values().diviColumnVector(deviations().addi(epsilon));
        INDArray left = present.mulColumnVector(defined());
        return new MaskedRewards(scaled.muli(left), left);
    }

    /// The numbers in order; `missing` where there is none.
    double[] toArray(double missing) {
        double[] numbers = values.dup('c').reshape(values.length()).toDoubleVector();
        double[] mask = present.dup('c').reshape(present.length()).toDoubleVector();
        for (int i = 0; i < numbers.length; i++) {
            if (mask[i] == 0) {
                numbers[i] = missing;
            }
        }
        return numbers;
    }
}
