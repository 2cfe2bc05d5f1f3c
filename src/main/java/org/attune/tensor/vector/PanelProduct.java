package org.attune.tensor.vector;

import java.util.List;

/// `x matrixᵀ`, or the sum of two such products, with matrices in panels ([Panels]), and what is
/// done with a result while it is in the cache. A tile of rows and some panels are an item of work,
/// whichever thread is free takes the next: the cores of a virtual machine are never equally fast.
///
/// @param out rows of the matrices
public record PanelProduct(int out) {
    /// Rows of a tile. On two cores of Zen 4 32, 48 and 96 rows are up to a tenth slower at some
    /// sizes, nothing is faster.
    private static final int TILE = 64;

    /// Rows of a tile where there are too few panels for all threads.
    private static final int LOW_TILE = 16;

    /// Rows of the last tile are padded to a multiple of it. Each number of rows is another kind of
    /// product, which each thread compiles.
    private static final int ROUND = 8;

    /// Panels of an item: rows of `x` that the cache holds are multiplied by these in turn.
    private static final int MOST_PANELS = 4;

    /// Columns that are multiplied at a time, more or less: so many that a tile's and some panels'
    /// fit into a core's own cache.
    private static final int DEEP = 2560;

    private static final int ROUND_DEPTH = 32;

    /// Items of a thread, at least, if there are so many: the last ones of two threads rarely end
    /// at the same time.
    private static final int ITEMS = 8;

    private static final int FLOAT = Float.BYTES;
    private static final int HALF = Short.BYTES;

    /// A product.
    ///
    /// @param x bfloat16 `(n, depth)`
    /// @param depth columns that are multiplied
    /// @param panels of the matrix
    /// @param first of its columns that is multiplied, even
    /// @param columns of the matrix in memory
    public record Factors(Rows x, int depth, long panels, int first, int columns) {
        /// A product of some of the columns.
        ///
        /// @param from an even column
        Factors narrow(int from, int count) {
            Rows some = new Rows(x.at(0, from), x.stride(), x.half());
            return new Factors(some, count, panels, first + from, columns);
        }

        /// Columns of a part, of all parts but the last.
        int part() {
            int parts = Math.max(1, (depth + DEEP / 2) / DEEP);
            int part = (depth + parts - 1) / parts;
            return (part + ROUND_DEPTH - 1) / ROUND_DEPTH * ROUND_DEPTH;
        }
    }

    /// What is added to a product in float32.
    ///
    /// @param factors of another product
    /// @param parts columns of its matrix; the product of each loses different numbers. None: it
    ///     is added as it is
    /// @param factor of what dropout leaves
    public record Addend(Factors factors, List<DropoutPart> parts, float factor) {}

    /// Bytes to work in.
    public static long workBytes(int threads) {
        return (MOST_PANELS + 1L) * threads * product();
    }

    /// Bytes of a tile's product with a panel.
    private static long product() {
        return (long) TILE * Panels.MOST_WIDE * FLOAT;
    }

    /// Multiplies.
    ///
    /// @param n rows
    /// @param second what is added, or null: nothing
    /// @param residual added in float32, bfloat16 `(n, out)`, or null: none
    /// @param y written, bfloat16 `(n, out)`; may be the residual
    /// @param memory of [#workBytes]
    public void run(
            int n, Factors first, Addend second, Rows residual, Rows y, long memory, int threads) {
        int wide = Panels.wide(out);
        int count = Panels.count(out);
        int tile = count < 2 * threads ? LOW_TILE : TILE;
        int tiles = (n + tile - 1) / tile;
        int group = Math.clamp(count * tiles / (threads * ITEMS), 1, MOST_PANELS);
        int groups = (count + group - 1) / group;
        // A product in parts has panels in turn with each part; else each is done with at once.
        int step = first.part() < first.depth() ? group : 1;
        KernelThreads.run(
                threads,
                tiles * groups,
                (thread, item) -> {
                    long c = memory + thread * workBytes(1);
                    int row = item / groups * tile;
                    int rows = Math.min(tile, n - row);
                    // Where a tile isn't full, rows above it are multiplied once more.
                    int above = Math.min(row, (ROUND - rows % ROUND) % ROUND);
                    int panel = item % groups * group;
                    int end = Math.min(count, panel + group);
                    for (int at = panel; at < end; at += step) {
                        int last = Math.min(end, at + step);
                        multiply(first, row - above, above + rows, at, last, false, c);
                        if (second != null) {
                            add(second, row - above, above + rows, at, last, c);
                        }
                        for (int p = at; p < last; p++) {
                            int height = Panels.height(out, p);
                            long skipped = (long) above * height * FLOAT;
                            long from = c + (p - at) * product() + skipped;
                            finish(from, rows, height, residual, y, row, p * wide);
                        }
                    }
                    TileProduct.release();
                });
    }

    private void add(Addend second, int row, int rows, int panel, int end, long c) {
        if (second.parts().isEmpty()) {
            multiply(second.factors(), row, rows, panel, end, true, c);
            return;
        }
        long spare = c + MOST_PANELS * product();
        for (DropoutPart part : second.parts()) {
            Factors f = second.factors().narrow(part.first(), part.count());
            var dropout = new DropoutKernel(part.kept(), out);
            for (int p = panel; p < end; p++) {
                multiply(f, row, rows, p, p + 1, false, spare);
                int column = p * Panels.wide(out);
                int height = Panels.height(out, p);
                long sum = c + (p - panel) * product();
                dropout.addKept(row, column, rows, height, second.factor(), spare, sum);
            }
        }
    }

    /// Multiplies some rows by some panels.
    ///
    /// @param c written or added to, float32 `(rows, height)` for each panel
    private void multiply(Factors f, int row, int rows, int panel, int end, boolean add, long c) {
        int part = f.part();
        for (int k = 0; k < f.depth(); k += part) {
            for (int p = panel; p < end; p++) {
                int height = Panels.height(out, p);
                long panels = Panels.at(f.panels(), p, Panels.wide(out), f.columns());
                long pairs = panels + (long) (f.first() + k) * height * HALF;
                int columns = Math.min(part, f.depth() - k);
                long to = c + (p - panel) * product();
                multiply(f.x(), row, rows, k, columns, height, pairs, add || k > 0, to);
            }
        }
    }

    /// Multiplies some columns of some rows by a part of a panel. The last one of an odd number of
    /// columns has no other beside it.
    private static void multiply(
            Rows x,
            int row,
            int rows,
            int column,
            int columns,
            int height,
            long pairs,
            boolean add,
            long c) {
        int even = columns / 2 * 2;
        if (even > 0) {
            int stride = (int) (x.stride() / HALF);
            long from = x.at(row, column);
            TileProduct.multiply(rows, height, even, stride, height, height, add, from, pairs, c);
        } else if (!add) {
            Vectors.MEMORY.asSlice(c, (long) rows * height * FLOAT).fill((byte) 0);
        }
        if (even < columns) {
            long last = pairs + (long) even * height * HALF;
            PanelLoops.addColumn(c, rows, height, x.at(row, column + even), x.stride(), last);
        }
    }

    private static void finish(
            long c, int rows, int wide, Rows residual, Rows y, int row, int column) {
        long to = y.at(row, column);
        if (wide % Vectors.LANES != 0) {
            finishNarrow(c, rows, wide, residual, y, row, column);
        } else if (residual == null) {
            PanelLoops.round(c, rows, wide, to, y.stride());
        } else {
            long other = residual.at(row, column);
            PanelLoops.roundSum(c, rows, wide, other, residual.stride(), to, y.stride());
        }
    }

    private static void finishNarrow(
            long c, int rows, int wide, Rows residual, Rows y, int row, int column) {
        for (int r = 0; r < rows; r++) {
            long from = c + (long) r * wide * FLOAT;
            for (int k = 0; residual != null && k < wide; k++) {
                long at = from + (long) k * FLOAT;
                float other = Vectors.number(true, residual.at(row + r, column + k));
                Vectors.put(Vectors.number(at) + other, at);
            }
            PanelLoops.roundSome(from, wide, y.at(row + r, column));
        }
    }
}
