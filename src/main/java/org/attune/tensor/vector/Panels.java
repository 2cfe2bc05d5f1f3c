package org.attune.tensor.vector;

/// Matrices in the order in which [TileProduct] reads its right-hand side, for products of few rows
/// with matrices that no cache holds: a matrix `(out, in)` stands in panels of `w` of its rows,
/// `(out/w, in/2, w, 2)`, each of which is read from one end to the other. There may be room for
/// more columns behind those of a matrix.
public final class Panels {
    /// What a matrix's rows must be a multiple of.
    public static final int UNIT = 32;

    /// Rows of the widest panel.
    static final int MOST_WIDE = 64;

    /// Rows of a panel, the fastest first: of 32 rows and weights from memory, 377, 366 and 335
    /// GFLOP/s on two cores of Zen 4.
    private static final int[] WIDTHS = {48, 64, UNIT};

    private static final int HALF = Short.BYTES;

    private Panels() {}

    /// Rows of a panel of a matrix: so many that its panels can be shared by two threads, and those
    /// of each half of it too.
    ///
    /// @param out its rows, a multiple of [#UNIT]
    public static int wide(int out) {
        for (int wide : WIDTHS) {
            if (out % (2 * wide) == 0) {
                return wide;
            }
        }
        return UNIT;
    }

    /// Address of a panel.
    ///
    /// @param panels of the matrix
    /// @param wide rows of a panel
    /// @param columns in memory
    static long at(long panels, int panel, int wide, int columns) {
        return panels + (long) panel * wide * columns * HALF;
    }

    /// Puts a matrix into panels.
    ///
    /// @param matrix bfloat16
    /// @param out a multiple of [#UNIT]
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
        int wide = wide(out);
        Team.run(
                threads,
                out / wide,
                (thread, panel) -> {
                    long own = memory + thread * workBytes(in, 1);
                    long dense = own + TileRows.SCRATCH;
                    long from = matrix.at(panel * wide, 0);
                    long rowBytes = (long) in * HALF;
                    RowMoves.copy(
                            new Rows(from, matrix.stride(), true),
                            new Rows(dense, rowBytes, true),
                            wide,
                            rowBytes);
                    long target = at(to, panel, wide, columns) + (long) first * wide * HALF;
                    TileRows.transposePairs(dense, wide, in / 2, target, own);
                });
    }

    /// Bytes that [#pack] works in.
    public static long workBytes(int in, int threads) {
        return threads * (TileRows.SCRATCH + (long) MOST_WIDE * in * HALF);
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
