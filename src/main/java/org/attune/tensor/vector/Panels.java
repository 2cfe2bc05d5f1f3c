package org.attune.tensor.vector;

/// Matrices in the order in which [TileProduct] reads its right-hand side, for products of few rows
/// with matrices that no cache holds: a matrix `(out, in)` stands in panels of 32 of its rows,
/// `(out/32, in/2, 32, 2)`, each of which is read from one end to the other. There may be room for
/// more columns behind those of a matrix.
public final class Panels {
    /// Rows of a panel.
    public static final int WIDE = 32;

    private static final int HALF = Short.BYTES;

    private Panels() {}

    /// Address of a panel.
    ///
    /// @param panels of the matrix
    /// @param columns in memory
    static long at(long panels, int panel, int columns) {
        return panels + (long) panel * WIDE * columns * HALF;
    }

    /// Puts a matrix into panels.
    ///
    /// @param matrix bfloat16
    /// @param out a multiple of [#WIDE]
    /// @param in even
    /// @param to written
    /// @param first column there, even
    /// @param columns there
    /// @param memory of [#workBytes]
    public static void pack(
            Rows matrix,
            int out,
            int in,
            long to,
            int first,
            int columns,
            long memory,
            int threads) {
        Team.run(
                threads,
                out / WIDE,
                (thread, panel) -> {
                    long own = memory + thread * workBytes(in, 1);
                    long dense = own + TileRows.SCRATCH;
                    long from = matrix.at(panel * WIDE, 0);
                    long rowBytes = (long) in * HALF;
                    RowMoves.copy(
                            new Rows(from, matrix.stride(), true),
                            new Rows(dense, rowBytes, true),
                            WIDE,
                            rowBytes);
                    long target = at(to, panel, columns) + (long) first * WIDE * HALF;
                    TileRows.transposePairs(dense, WIDE, in / 2, target, own);
                });
    }

    /// Bytes that [#pack] works in.
    public static long workBytes(int in, int threads) {
        return threads * (TileRows.SCRATCH + (long) WIDE * in * HALF);
    }

    /// Puts the transpose of a matrix of few rows into one panel as wide as it has rows:
    /// `(in/2, rows, 2)`.
    ///
    /// @param matrix dense bfloat16 `(rows, in)`
    /// @param to written
    /// @param scratch of [TileRows#SCRATCH] bytes
    public static void packNarrow(long matrix, int rows, int in, long to, long scratch) {
        TileRows.transposePairs(matrix, rows, in / 2, to, scratch);
    }
}
