package org.attune.optim;

import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/// The factored second moments of Adafactor: of a matrix means of its rows and of its columns, of
/// a vector the moment of each number. A parameter of more axes is a batch of matrices over its
/// last two.
final class Factors {
    /// Numbers that are computed at once: 1 MB.
    private static final long PIECE = 1 << 18;

    private static final String ROWS = "exp_avg_sq_row";
    private static final String COLUMNS = "exp_avg_sq_col";
    private static final String VECTORS = "exp_avg_sq";

    private final Map<Long, Matrices> places = new HashMap<>(); // by the parameter's offset
    private final Tensor rows;
    private final Tensor columns;
    private final Tensor vectors;

    /// A parameter as matrices, and where its state is.
    ///
    /// @param count of matrices; 0: a vector
    /// @param rows of each
    /// @param columns of each
    /// @param rowStart first of its rows' means, or of a vector's moments
    /// @param columnStart first of its columns' means
    record Matrices(int count, long rows, long columns, long rowStart, long columnStart) {
        static Matrices of(Parameter p, long rowStart, long columnStart) {
            long[] shape = p.shape();
            if (shape.length < 2) {
                return new Matrices(0, 1, p.count(), rowStart, columnStart);
            }
            long rows = shape[shape.length - 2];
            long columns = shape[shape.length - 1];
            int count = Math.toIntExact(p.count() / (rows * columns));
            return new Matrices(count, rows, columns, rowStart, columnStart);
        }

        boolean isVector() {
            return count == 0;
        }

        long rowMeans() {
            return count * rows;
        }

        long columnMeans() {
            return count * columns;
        }
    }

    /// Rows of one matrix that fit the cache.
    ///
    /// @param matrix its number
    /// @param from first row
    /// @param size how many rows
    record Band(int matrix, long from, long size) {}

    /// @param state rows', columns' and vectors' tensors
    Factors(List<Parameter> parameters, List<Tensor> state) {
        rows = state.get(0);
        columns = state.get(1);
        vectors = state.get(2);
        long row = 0;
        long column = 0;
        long vector = 0;
        for (Parameter p : parameters) {
            Matrices m = Matrices.of(p, p.shape().length < 2 ? vector : row, column);
            places.put(p.offset(), m);
            vector += m.isVector() ? p.count() : 0;
            row += m.rowMeans();
            column += m.columnMeans();
        }
    }

    static List<StateTensor> state(List<Parameter> parameters) {
        long row = 0;
        long column = 0;
        long vector = 0;
        for (Parameter p : parameters) {
            Matrices m = Matrices.of(p, 0, 0);
            vector += m.isVector() ? p.count() : 0;
            row += m.rowMeans();
            column += m.columnMeans();
        }
        return List.of(
                new StateTensor(ROWS, DType.FLOAT32, row),
                new StateTensor(COLUMNS, DType.FLOAT32, column),
                new StateTensor(VECTORS, DType.FLOAT32, vector));
    }

    Matrices of(Piece piece) {
        return places.get(piece.parameter().offset());
    }

    /// The moments of a vector.
    Tensor vector(Piece piece) {
        return vectors.narrow(0, of(piece).rowStart(), piece.length());
    }

    /// The means of a matrix's rows, `(R, 1)`.
    Tensor rows(Matrices m, int matrix) {
        return rows.narrow(0, m.rowStart() + matrix * m.rows(), m.rows()).reshape(m.rows(), 1);
    }

    /// The means of a matrix's columns, `(1, C)`.
    Tensor columns(Matrices m, int matrix) {
        long start = m.columnStart() + matrix * m.columns();
        return columns.narrow(0, start, m.columns()).reshape(1, m.columns());
    }

    /// Some rows of a flat parameter, `(r, C)`.
    static Tensor of(Tensor flat, Matrices m, Band band) {
        long start = (band.matrix() * m.rows() + band.from()) * m.columns();
        return flat.narrow(0, start, band.size() * m.columns()).reshape(band.size(), m.columns());
    }

    /// Sum over all rows of all matrices, a band at a time.
    static double sum(Matrices m, ToDoubleFunction<Band> ofBand) {
        double sum = 0;
        long size = Math.max(1, PIECE / m.columns());
        for (int matrix = 0; matrix < m.count(); matrix++) {
            for (long from = 0; from < m.rows(); from += size) {
                try (var _ = TensorScope.open("adafactor.band")) {
                    long rows = Math.min(size, m.rows() - from);
                    sum += ofBand.applyAsDouble(new Band(matrix, from, rows));
                }
            }
        }
        return sum;
    }

    /// Brings the means of rows and columns to a new gradient.
    ///
    /// @param added to each square
    /// @param fresh share of the new squares, 1 - β₂
    void learn(Matrices m, Tensor gradient, double scale, double added, double fresh) {
        for (int matrix = 0; matrix < m.count(); matrix++) {
            try (var _ = TensorScope.open("adafactor.columns")) {
                columns(m, matrix).mulInPlace(1 - fresh);
            }
        }
        sum(
                m,
                band -> {
                    Tensor squares = of(gradient, m, band).mul(scale).square().add(added);
                    rows(m, band.matrix())
                            .narrow(0, band.from(), band.size())
                            .mulInPlace(1 - fresh)
                            .addInPlace(squares.mean(1, true).mul(fresh));
                    columns(m, band.matrix())
                            .addInPlace(squares.sum(0, true).mul(fresh / m.rows()));
                    return 0;
                });
    }
}
