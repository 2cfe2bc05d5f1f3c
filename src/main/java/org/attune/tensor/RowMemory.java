package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.RowMoves;
import org.attune.tensor.vector.Rows;

/// Copies of whole rows between matrices in the processor's memory, in bfloat16 or float32, without
/// an operator's overhead.
public final class RowMemory {
    private RowMemory() {}

    /// Copies rows to consecutive ones.
    ///
    /// @param from `(n, w)`
    /// @param to `(m, w)`, of the same dtype
    /// @param first of the rows of `to` that are written
    public static void copy(Tensor from, Tensor to, int first) {
        require(from, to);
        int count = Math.toIntExact(from.size(0));
        if (first < 0 || first + count > to.size(0)) {
            throw new IndexOutOfBoundsException(
                    "rows %d to %d of %s".formatted(first, first + count, to));
        }
        Rows target = rows(to);
        var behind =
                new Rows(
                        target.address() + first * target.stride(), target.stride(), target.half());
        RowMoves.copy(rows(from), behind, count, rowBytes(from));
    }

    /// Copies rows from anywhere.
    ///
    /// @param from `(m, w)`
    /// @param rows of `from`, `(n)`
    /// @param to `(n, w)`, of the same dtype
    public static void gather(Tensor from, int[] rows, Tensor to) {
        require(from, to);
        if (to.size(0) != rows.length) {
            throw new ShapeException("%d rows don't fit into %s".formatted(rows.length, to));
        }
        for (int row : rows) {
            if (row < 0 || row >= from.size(0)) {
                throw new IndexOutOfBoundsException("row %d of %s".formatted(row, from));
            }
        }
        long begun = OperatorTimes.begin();
        RowMoves.gather(rows(from), rows, rows(to), rowBytes(from), Engine.threads());
        OperatorTimes.end("attune::gather_rows", begun);
    }

    private static void require(Tensor from, Tensor to) {
        if (from.dim() != 2
                || to.dim() != 2
                || from.size(1) != to.size(1)
                || from.dtype() != to.dtype()) {
            throw new ShapeException("rows of %s can't be copied to %s".formatted(from, to));
        }
    }

    private static long rowBytes(Tensor x) {
        return x.size(1) * x.dtype().bytes();
    }

    private static Rows rows(Tensor x) {
        if (x.size(1) > 1 && x.stride(1) != 1) {
            throw new ShapeException(x + " has rows that aren't dense");
        }
        return new Rows(
                Placement.address(x), x.stride(0) * x.dtype().bytes(), x.dtype() == DType.BFLOAT16);
    }
}
