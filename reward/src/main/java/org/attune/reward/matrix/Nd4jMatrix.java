package org.attune.reward.matrix;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.nd4j.nativeblas.NativeOpsHolder;

/// A matrix that computes by ND4J. The native library is loaded when this class is first used.
///
/// @param array `(R, C)`, row by row in memory
record Nd4jMatrix(INDArray array) implements Matrix {
    private static final int ACROSS = 1;

    static {
        Nd4j.getBackend(); // loads the native library, which the next line needs
        // libtorch wants the cores, and these arrays are small.
        NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(1);
    }

    static Nd4jMatrix of(double[][] table) {
        return new Nd4jMatrix(Nd4j.createFromArray(table));
    }

    private static INDArray array(Matrix other) {
        return ((Nd4jMatrix) other).array;
    }

    @Override
    public int rows() {
        return (int) array.size(0);
    }

    @Override
    public int columns() {
        return (int) array.size(1);
    }

    @Override
    public double[] toArray() {
        return array.dup('c').reshape(array.length()).toDoubleVector();
    }

    @Override
    public double get(int index) {
        return array.getDouble(index / columns(), index % columns());
    }

    @Override
    public Matrix reshape(int rows, int columns) {
        return new Nd4jMatrix(array.reshape('c', rows, columns));
    }

    @Override
    public Matrix transpose() {
        return new Nd4jMatrix(array.transpose().dup('c'));
    }

    @Override
    public Matrix plus(Matrix other) {
        return new Nd4jMatrix(array.add(array(other)));
    }

    @Override
    public Matrix minus(Matrix other) {
        return new Nd4jMatrix(array.sub(array(other)));
    }

    @Override
    public Matrix times(Matrix other) {
        return new Nd4jMatrix(array.mul(array(other)));
    }

    @Override
    public Matrix over(Matrix other) {
        return new Nd4jMatrix(array.div(array(other)));
    }

    @Override
    public Matrix plus(double number) {
        return new Nd4jMatrix(array.add(number));
    }

    @Override
    public Matrix times(double number) {
        return new Nd4jMatrix(array.mul(number));
    }

    @Override
    public Matrix over(double number) {
        return new Nd4jMatrix(array.div(number));
    }

    @Override
    public Matrix atLeast(double least) {
        return new Nd4jMatrix(Transforms.max(array, least, true));
    }

    @Override
    public Matrix abs() {
        return new Nd4jMatrix(Transforms.abs(array, true));
    }

    @Override
    public Matrix sqrt() {
        return new Nd4jMatrix(Transforms.sqrt(array, true));
    }

    @Override
    public Matrix greaterThan(double number) {
        return new Nd4jMatrix(array.gt(number).castTo(DataType.DOUBLE));
    }

    /// The sum of one row alone would be added up in as many parts as there are cores: it gets a
    /// second row of zeros.
    @Override
    public Matrix rowSums() {
        INDArray several =
                rows() > 1 ? array : Nd4j.vstack(array, Nd4j.zeros(DataType.DOUBLE, 1, columns()));
        INDArray sums = several.sum(true, ACROSS); // (R or 2, 1)
        return rows() > 1 ? new Nd4jMatrix(sums) : of(new double[][] {{sums.getDouble(0, 0)}});
    }

    @Override
    public Matrix rowMaxima() {
        return new Nd4jMatrix(array.max(true, ACROSS));
    }

    @Override
    public Matrix column(int c) {
        return new Nd4jMatrix(array.getColumn(c).dup('c').reshape('c', rows(), 1));
    }
}
