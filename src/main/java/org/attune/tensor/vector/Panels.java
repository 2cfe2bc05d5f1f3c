package org.attune.tensor.vector;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.IntStream;

/// The order in which [TileProduct] reads the right-hand side of `x matrixᵀ`. A matrix `(out, in)`
/// stands in panels of `w` of its rows, `(out/w, in/2, w, 2)`, each of which is read from one end
/// to the other. The last panel has the rows that are left. There may be room for more columns
/// behind those of a matrix.
public final class Panels {
    /// What a matrix's rows must be a multiple of for all its panels to be equal.
    public static final int UNIT = 32;

    /// Rows of the widest panel.
    static final int MOST_WIDE = 64;

    /// Rows of a panel, the fastest first: of 32 rows and weights from memory, 377, 366 and 335
    /// GFLOP/s on two cores of Zen 4.
    private static final int[] WIDTHS = {48, 64, UNIT};

    /// Rows of a transposed matrix that a thread takes at once. It reads them from one end to the
    /// other, and writes pieces of all panels.
    private static final int CHUNK = 32;

    private static final int HALF = Short.BYTES;
    private static final int PAIR = Integer.BYTES;

    private Panels() {}

    /// Rows of a panel of a matrix: so many that its panels can be shared by two threads, and those
    /// of each half of it too.
    ///
    /// @param out its rows
    public static int wide(int out) {
        for (int wide : WIDTHS) {
            if (out % (2 * wide) == 0) {
                return wide;
            }
        }
        return out % UNIT == 0 ? UNIT : MOST_WIDE;
    }

    /// Panels of a matrix of `out` rows.
    static int count(int out) {
        int wide = wide(out);
        return (out + wide - 1) / wide;
    }

    /// Rows of one of its panels.
    static int height(int out, int panel) {
        int wide = wide(out);
        return Math.min(wide, out - panel * wide);
    }

    /// Columns in memory, of which there are whole pairs.
    public static int columns(int in) {
        return in + in % 2;
    }

    /// Address of a panel.
    ///
    /// @param panels of the matrix
    /// @param wide rows of a panel
    /// @param columns in memory
    static long at(long panels, int panel, int wide, int columns) {
        return panels + (long) panel * wide * columns * HALF;
    }

    /// A range of memory.
    ///
    /// @param address of its first byte
    public record Range(long address, long bytes) {}

    /// Where the numbers of a matrix stand in its panels: one range, or one of each panel where
    /// other columns stand behind them.
    ///
    /// @param panels address of the first
    /// @param out rows
    /// @param in columns of the matrix
    /// @param columns in memory
    public static List<Range> ranges(long panels, int out, int in, int columns) {
        int own = in - in % 2; // an odd column shares its pair with another one
        if (own == columns) {
            return List.of(new Range(panels, (long) out * columns * HALF));
        }
        return IntStream.range(0, count(out))
                .mapToObj(
                        panel ->
                                new Range(
                                        at(panels, panel, wide(out), columns),
                                        (long) height(out, panel) * own * HALF))
                .toList();
    }

    /// Where a matrix goes.
    ///
    /// @param panels address of the first
    /// @param out rows of the matrix
    /// @param first column there
    /// @param columns there, in memory
    public record Place(long panels, int out, int first, int columns) {
        /// Address of a row's pair of columns.
        private long at(int row, int pair) {
            int wide = wide(out);
            int panel = row / wide;
            long first = Panels.at(panels, panel, wide, columns);
            return first + ((long) pair * height(out, panel) + row % wide) * PAIR;
        }

        private void put(int row, int column, short number) {
            long pair = at(row, column / 2);
            Vectors.MEMORY.set(
                    ValueLayout.JAVA_SHORT_UNALIGNED, pair + (long) column % 2 * HALF, number);
        }
    }

    /// Puts a matrix into panels.
    ///
    /// @param matrix bfloat16 `(out, in)`
    /// @param memory of [#workBytes]
    public static void pack(Rows matrix, int in, Place to, long memory, int threads) {
        int wide = wide(to.out());
        int pairs = to.first() % 2 == 0 ? in / 2 : 0;
        KernelThreads.run(
                threads,
                count(to.out()),
                (thread, panel) -> {
                    int rows = height(to.out(), panel);
                    if (pairs > 0) {
                        long own = memory + thread * workBytes(in, 1);
                        long dense = own + TileRows.SCRATCH;
                        long rowBytes = (long) pairs * PAIR;
                        RowMoves.copy(
                                new Rows(matrix.at(panel * wide, 0), matrix.stride(), true),
                                new Rows(dense, rowBytes, true),
                                rows,
                                rowBytes);
                        long target = to.at(panel * wide, to.first() / 2);
                        TileRows.transposePairs(dense, rows, pairs, target, own);
                    }
                    putColumns(matrix, panel * wide, rows, 2 * pairs, in, to);
                });
    }

    /// Packs columns one number after the other.
    private static void putColumns(Rows matrix, int row, int rows, int from, int end, Place to) {
        for (int r = row; r < row + rows; r++) {
            for (int c = from; c < end; c++) {
                short number =
                        Vectors.MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, matrix.at(r, c));
                to.put(r, to.first() + c, number);
            }
        }
    }

    /// Bytes that [#pack] works in.
    public static long workBytes(int in, int threads) {
        return threads * (TileRows.SCRATCH + (long) MOST_WIDE * in * HALF);
    }

    /// Puts the transpose of a matrix into panels, from the first column on.
    ///
    /// @param matrix bfloat16 `(in, out)`
    /// @param to has `in` columns, or one more
    public static void packTransposed(Rows matrix, int in, Place to, int threads) {
        int wide = wide(to.out());
        KernelThreads.run(
                threads,
                (in + CHUNK - 1) / CHUNK,
                (_, chunk) -> {
                    int first = chunk * CHUNK;
                    int rows = Math.min(CHUNK, in - first);
                    for (int panel = 0; panel < count(to.out()); panel++) {
                        TileRows.interleave(
                                matrix.at(first, panel * wide),
                                matrix.stride(),
                                rows,
                                height(to.out(), panel),
                                to.at(panel * wide, first / 2));
                    }
                });
    }
}
