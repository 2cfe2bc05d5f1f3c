package org.attune.tensor.vector;

/// Products of float32 rows and a matrix of whole numbers of 8 bits ([DigitPanels]): `x matrixᵀ`
/// and, on the way back, `dy matrix`. The numbers of a row become whole ones of 16 bits, whose two
/// bytes are multiplied by the matrix with sums in int32, and the sums are scaled. Since these are
/// exact, a result has the same bits for every tile, count of rows and of threads. On the way back
/// rows are multiplied by the matrix's scales before.
///
/// A number of a row is off by 2⁻¹⁶ of the row's largest at most.
final class DigitProduct {
    /// Rows of a product.
    private static final int TILE = 64;

    /// Rows of the last tile are padded to a multiple of it, fewer to a power of two. Each number
    /// of rows is another kind of product, which each thread compiles.
    private static final int ROUND = 8;

    /// Rows for which a panel is turned at once.
    private static final int MOST_ROWS = 512;

    /// Items of a thread, at least, if there are so many.
    private static final int ITEMS = 4;

    /// Rows of the matrix that are turned at once, more or less.
    private static final int DEEP = 3072;

    /// What a part's rows are a multiple of: whole panels, and what products take at a time.
    private static final int ROUND_DEPTH = 192;

    /// Rows whose digits a thread makes at a time.
    private static final int CHUNK = 16;

    private static final int FLOAT = Float.BYTES;
    private static final int QUAD = Integer.BYTES;
    private static final int LINE = 64; // of the cache

    /// The largest whole number of a row: its high digit is a byte when it is rounded.
    private static final float LARGEST = 127 * 256;

    /// Rows of smaller numbers have less than 16 bits.
    private static final float LEAST = 1e-30f;

    private final DigitPanels matrix;
    private final boolean back;
    private final int depth; // columns of the input
    private final int width; // columns of the result
    private final int wide; // of these, columns of a tile

    /// @param back whether rows are multiplied by the matrix, else by its transpose
    DigitProduct(DigitPanels matrix, boolean back) {
        this.matrix = matrix;
        this.back = back;
        depth = back ? matrix.out() : matrix.in();
        width = back ? matrix.in() : matrix.out();
        wide = Panels.wide(width);
    }

    /// Bytes to work in.
    ///
    /// @param n rows
    long workBytes(int n, int threads) {
        return new Work(n, threads, 0).end();
    }

    /// Multiplies.
    ///
    /// @param x float32 `(n, in)`, or `(n, out)` on the way back
    /// @param update what is added, or null: nothing
    /// @param residual added, float32 of the result's shape, or null: none
    /// @param y written, float32 `(n, out)`, or `(n, in)` on the way back
    /// @param memory of [#workBytes]
    void run(
            int n,
            Rows x,
            DigitPanels.Update update,
            Rows residual,
            Rows y,
            long memory,
            int threads) {
        var work = new Work(n, threads, memory);
        KernelThreads.rows(threads, n, CHUNK, (thread, row) -> split(x, row, work, thread));
        int panels = width / wide;
        int blocks = (n + work.block - 1) / work.block;
        KernelThreads.run(
                threads,
                blocks * panels,
                (thread, item) -> {
                    int first = item / panels * work.block;
                    int end = Math.min(n, first + work.block);
                    int panel = item % panels;
                    multiply(first, end, panel, work, thread);
                    for (int row = first; row < end; row += TILE) {
                        int rows = Math.min(TILE, end - row);
                        long sums = work.sums(thread) + (long) (row - first) * 2 * wide * FLOAT;
                        finish(sums, row, rows, panel, work, y);
                        add(update, row, rows, panel, y);
                        add(residual, row, rows, panel, y);
                    }
                    TileProduct.release();
                });
    }

    private void split(Rows x, int row, Work work, int thread) {
        long from = x.at(row, 0);
        if (back) {
            long scaled = work.row(thread);
            DigitLoops.scale(from, matrix.scales(), depth, scaled);
            from = scaled;
        }
        float most = Math.max(LEAST, DigitLoops.largest(from, depth));
        Vectors.put(most / LARGEST, work.scale(row));
        long high = work.digits(row);
        DigitLoops.split(from, depth, LARGEST / most, high, high + depth);
    }

    /// Multiplies digits of rows by a panel.
    private void multiply(int first, int end, int panel, Work work, int thread) {
        int part = part();
        for (int k = 0; k < depth; k += part) {
            int count = Math.min(part, depth - k);
            long columns =
                    back ? turned(panel, k, count, work.turned(thread)) : matrix.at(panel, k);
            for (int row = first; row < end; row += TILE) {
                TileProduct.multiplyBytes(
                        2 * padded(Math.min(TILE, end - row)),
                        wide,
                        count,
                        depth,
                        k > 0,
                        work.digits(row) + k,
                        columns,
                        work.sums(thread) + (long) (row - first) * 2 * wide * FLOAT);
            }
        }
    }

    /// Depth of a part, of all parts but the last.
    private int part() {
        if (!back) {
            return depth;
        }
        int parts = Math.max(1, (depth + DEEP / 2) / DEEP);
        int part = (depth + parts - 1) / parts;
        return (part + ROUND_DEPTH - 1) / ROUND_DEPTH * ROUND_DEPTH;
    }

    /// Turns rows `k … k + count` of some columns.
    private long turned(int panel, int k, int count, long to) {
        int rows = matrix.wide();
        for (int row = k; row < k + count; row += rows) {
            DigitLoops.turn(
                    matrix.at(row / rows, panel * wide),
                    (long) rows * QUAD,
                    wide / QUAD,
                    rows,
                    to + (long) (row - k) * wide,
                    (long) wide * QUAD);
        }
        return to;
    }

    private void finish(long sums, int row, int rows, int panel, Work work, Rows y) {
        long columns = (long) panel * wide * FLOAT;
        DigitLoops.finish(
                sums,
                rows,
                wide,
                work.scale(row),
                (back ? matrix.ones() : matrix.scales()) + columns,
                (back ? matrix.columnSums() : matrix.rowSums()) + columns,
                y.at(row, panel * wide),
                y.stride());
    }

    private void add(DigitPanels.Update update, int row, int rows, int panel, Rows y) {
        if (update != null) {
            int rank = update.rank();
            long columns = update.panels() + (long) panel * rank * wide * FLOAT;
            Rows u = update.u();
            long to = y.at(row, panel * wide);
            int fours = rows / 4 * 4;
            DigitLoops.addFours(
                    u.at(row, 0), u.stride(), fours, rank, wide, columns, to, y.stride());
            for (int r = row + fours; r < row + rows; r++) {
                DigitLoops.addOne(u.at(r, 0), rank, wide, columns, y.at(r, panel * wide));
            }
        }
    }

    private void add(Rows residual, int row, int rows, int panel, Rows y) {
        if (residual != null) {
            int column = panel * wide;
            long from = residual.at(row, column);
            DigitLoops.add(from, residual.stride(), rows, wide, y.at(row, column), y.stride());
        }
    }

    /// Rows in memory.
    private static int padded(int rows) {
        if (rows >= ROUND) {
            return (rows + ROUND - 1) / ROUND * ROUND;
        }
        return rows <= 1 ? rows : 2 * Integer.highestOneBit(rows - 1);
    }

    /// Where a run works: what all threads share, then what each has for itself.
    private final class Work {
        /// Rows of an item: on the way back so many that turning a panel costs little, and all
        /// threads have work.
        final int block;

        private final int threads;
        private final long digits; // (n, 2, depth) bytes
        private final long scales; // float32 (n)
        private final long first;
        private final long products; // int32 (block, 2, wide)
        private final long own;

        Work(int n, int threads, long memory) {
            this.threads = threads;
            long rows = (long) n * (width / wide) / ((long) threads * ITEMS) / TILE * TILE;
            block = back ? Math.clamp(rows, TILE, MOST_ROWS) : TILE;
            long count = padded(n);
            digits = memory;
            scales = digits + count * 2 * depth;
            first = (scales + count * FLOAT + LINE - 1) / LINE * LINE;
            products = (long) block * 2 * wide * FLOAT;
            long turned = back ? (long) Math.min(part(), depth) * wide : 0;
            own = products + turned + (back ? (long) depth * FLOAT : 0);
        }

        /// A row's high digits, with the low ones behind them.
        long digits(int row) {
            return digits + (long) row * 2 * depth;
        }

        long scale(int row) {
            return scales + (long) row * FLOAT;
        }

        long sums(int thread) {
            return first + thread * own;
        }

        /// A part of a panel that was turned.
        long turned(int thread) {
            return sums(thread) + products;
        }

        /// A row times the matrix's scales.
        long row(int thread) {
            return sums(thread + 1) - (long) depth * FLOAT;
        }

        long end() {
            return sums(threads);
        }
    }
}
