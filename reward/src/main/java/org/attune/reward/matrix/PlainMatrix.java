package org.attune.reward.matrix;

import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/// A matrix that computes by loops over a Java array.
///
/// @param values row by row
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record PlainMatrix(int rows, int columns, double[] values) implements Matrix {
    static PlainMatrix of(double[][] table) {
        int columns = table[0].length;
        var values = new double[table.length * columns];
        for (int r = 0; r < table.length; r++) {
            System.arraycopy(table[r], 0, values, r * columns, columns);
        }
        return new PlainMatrix(table.length, columns, values);
    }

    @Override
    public double[] toArray() {
        return values.clone();
    }

    @Override
    public double get(int index) {
        return values[index];
    }

    @Override
    public Matrix reshape(int newRows, int newColumns) {
        return new PlainMatrix(newRows, newColumns, values);
    }

    @Override
    public Matrix transpose() {
        var turned = new double[values.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                turned[c * rows + r] = values[r * columns + c];
            }
        }
        return new PlainMatrix(columns, rows, turned);
    }

    private Matrix each(DoubleUnaryOperator function) {
        return new PlainMatrix(rows, columns, Arrays.stream(values).map(function).toArray());
    }

    private Matrix with(Matrix other, DoubleBinaryOperator function) {
        var partner = (PlainMatrix) other;
        int down = partner.rows == 1 ? 0 : partner.columns;
        int right = partner.columns == 1 ? 0 : 1;
        var result = new double[values.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                int i = r * columns + c;
                double second = partner.values[r * down + c * right];
                result[i] = function.applyAsDouble(values[i], second);
            }
        }
        return new PlainMatrix(rows, columns, result);
    }

    private Matrix rowByRow(double start, DoubleBinaryOperator function) {
        var result = new double[rows];
        for (int r = 0; r < rows; r++) {
            double value = start;
            for (int c = 0; c < columns; c++) {
                value = function.applyAsDouble(value, values[r * columns + c]);
            }
            result[r] = value;
        }
        return new PlainMatrix(rows, 1, result);
    }

    @Override
    public Matrix plus(Matrix other) {
        return with(other, (a, b) -> a + b);
    }

    @Override
    public Matrix minus(Matrix other) {
        return with(other, (a, b) -> a - b);
    }

    @Override
    public Matrix times(Matrix other) {
        return with(other, (a, b) -> a * b);
    }

    @Override
    public Matrix over(Matrix other) {
        return with(other, (a, b) -> a / b);
    }

    @Override
    public Matrix plus(double number) {
        return each(a -> a + number);
    }

    @Override
    public Matrix times(double number) {
        return each(a -> a * number);
    }

    @Override
    public Matrix over(double number) {
        return each(a -> a / number);
    }

    @Override
    public Matrix atLeast(double least) {
        return each(a -> Math.max(a, least));
    }

    @Override
    public Matrix abs() {
        return each(Math::abs);
    }

    @Override
    public Matrix sqrt() {
        return each(Math::sqrt);
    }

    @Override
    public Matrix greaterThan(double number) {
        return each(a -> a > number ? 1 : 0);
    }

    @Override
    public Matrix rowSums() {
        return rowByRow(0, Double::sum);
    }

    @Override
    public Matrix rowMaxima() {
        return rowByRow(Double.NEGATIVE_INFINITY, Math::max);
    }

    @Override
    public Matrix column(int c) {
        var result = new double[rows];
        for (int r = 0; r < rows; r++) {
            result[r] = values[r * columns + c];
        }
        return new PlainMatrix(rows, 1, result);
    }
}
