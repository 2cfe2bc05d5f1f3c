package org.attune.tensor.vector;

import org.attune.tensor.vector.CodedRows.Stack;
import org.attune.tensor.vector.CodedRows.Target;

import java.util.List;

/// Products of rows and a matrix in few bits: `x matrixᵀ` and, on the way back, `dy matrix`. A
/// thread decodes a panel of the matrix into its own cache, in the order in which [TileProduct]
/// reads it, and multiplies all rows by it, or some hundred. No number is decoded to memory. Sums
/// go from the first column to the last, so a result has the same bits for any count of rows and
/// threads.
///
/// @param matrix whose numbers are decoded
/// @param half whether rows are bfloat16, with sums in float32; else they are float32
/// @param back whether rows are multiplied by the matrix, else by its transpose
record CodedProduct(Stack matrix, boolean half, boolean back) {
    /// Rows of a product.
    private static final int TILE = 64;

    /// Rows of the last tile are padded to a multiple of it. Each number of rows is another kind of
    /// product, which each thread compiles.
    private static final int ROUND = 8;

    /// Sums of an item at most, where a panel doesn't have the matrix's whole depth.
    private static final int SUMS = 1 << 16;

    /// Items of a thread, at least, if there are so many.
    private static final int ITEMS = 4;

    /// Rows up to which these are turned, and not the matrix.
    private static final int FEW = 64;

    /// Columns of a result that are computed at once.
    private static final int WIDE = 64;

    /// Numbers of a panel, more or less.
    private static final int PANEL = 1 << 16;

    /// Numbers of a row that are decoded at a time, at least.
    private static final int UNIT = 64;

    /// Rows of the matrix that are decoded and turned at a time.
    private static final int TURNED = 16;

    private static final int FLOAT = Float.BYTES;
    private static final int HALF = Short.BYTES;
    private static final int LINE = 64; // of the cache

    /// What sizes must be a multiple of.
    static final int MULTIPLE = 32;

    /// Whether there are products for such numbers.
    static boolean serves(boolean half, int out, int in, int rank) {
        return (half ? TileProduct.isAvailable() : TileProduct.hasFloats())
                && out % MULTIPLE == 0
                && in % MULTIPLE == 0
                && (!half || rank % 2 == 0);
    }

    private int bytes() {
        return half ? HALF : FLOAT;
    }

    private int depth() {
        return back ? matrix.out() : matrix.in();
    }

    private int width() {
        return back ? matrix.in() : matrix.out();
    }

    /// Columns of a result that are computed with what is decoded at once.
    private int wide() {
        return back ? Math.max(WIDE, matrix.step()) : WIDE;
    }

    /// Columns of a product: panels of bfloat16 pairs are narrow.
    private int narrow(int wide) {
        return half ? Math.min(WIDE, wide) : wide;
    }

    /// What a panel's depth is a multiple of.
    private int unit() {
        return back ? UNIT : Math.max(UNIT, matrix.step());
    }

    /// Depth of a part, of all parts but the last.
    private int part() {
        int deep = (half ? 2 : 1) * PANEL / wide();
        int parts = Math.max(1, (depth() + deep / 2) / deep);
        int part = (depth() + parts - 1) / parts;
        return (part + unit() - 1) / unit() * unit();
    }

    /// Rows of an item: so many that decoding costs little, and all threads have work.
    private int block(int n, int threads) {
        int panels = (width() + wide() - 1) / wide();
        long rows = (long) n * panels / ((long) threads * ITEMS) / TILE * TILE;
        long most = part() < depth() ? SUMS / wide() : rows;
        return Math.toIntExact(Math.max(TILE, Math.min(rows, most)));
    }

    /// Bytes to work in.
    long workBytes(int n, int rank, int threads) {
        return fewBytes(n, rank) + threads * new Work(n, rank, threads, 0, 0).bytes;
    }

    /// Multiplies.
    ///
    /// @param x `(n, in + R)`, or `(n, out)` on the way back
    /// @param more columns behind those of the matrix, or null: none
    /// @param residual added, of the result's shape, or null: none
    /// @param y written, `(n, out)`, or `(n, in)` on the way back
    /// @param memory of [#workBytes]
    void run(int n, Rows x, CodedRows.Plain more, Rows residual, Rows y, long memory, int threads) {
        int panels = (width() + wide() - 1) / wide();
        int rank = more == null ? 0 : more.in();
        if (isFew(n)) {
            runFew(n, x, more, residual, y, memory, threads);
            return;
        }
        Stack own = more == null ? null : new Stack(List.of(more), List.of(matrix.out()), rank);
        int block = block(n, threads);
        int blocks = (n + block - 1) / block;
        KernelThreads.run(
                threads,
                blocks * panels,
                (thread, item) -> {
                    var work = new Work(n, rank, threads, memory, thread);
                    int first = item / panels * block;
                    int end = Math.min(n, first + block);
                    int column = item % panels * wide();
                    int wide = Math.min(wide(), width() - column);
                    if (more != null) {
                        fillTurned(own, column, wide, 0, rank, work.more, work);
                    }
                    int part = part();
                    for (int k = 0; k < depth(); k += part) {
                        int count = Math.min(part, depth() - k);
                        if (back) {
                            fill(column, wide, k, count, work);
                        } else {
                            fillTurned(matrix, column, wide, k, count, work.panel, work);
                        }
                        boolean last = k + part >= depth();
                        for (int row = first; row < end; row += TILE) {
                            int rows = Math.min(TILE, end - row);
                            int above = above(row, rows);
                            long c = part < depth() ? work.sums(row - first) : work.sums(0);
                            tile(x, row - above, above + rows, k, count, wide, work.panel, c);
                            if (last && more != null) {
                                int in = matrix.in();
                                tile(x, row - above, above + rows, in, rank, wide, work.more, c);
                            }
                            if (last) {
                                finish(c, row, rows, above, residual, y, column, wide);
                            }
                        }
                    }
                    TileProduct.release();
                });
    }

    /// Whether rows are turned, and not the matrix: it would cost more than the product.
    private boolean isFew(int n) {
        return !back && n <= FEW;
    }

    /// Multiplies rows of the matrix by rows that are turned: `(matrix xᵀ)ᵀ`.
    private void runFew(
            int n, Rows x, CodedRows.Plain more, Rows residual, Rows y, long memory, int threads) {
        int rank = more == null ? 0 : more.in();
        int count = padded(n);
        int all = depth() + rank;
        int pairs = half ? 2 : 1;
        Vectors.MEMORY.asSlice(memory, (long) all * count * bytes()).fill((byte) 0);
        long few = memory + fewBytes(n, rank);
        long line = (long) count * FLOAT;
        long scratch = new Work(n, rank, threads, few, 0).scratch;
        TileRows.transposePairs(x.at(0, 0), x.stride(), n, all / pairs, memory, line, scratch);
        KernelThreads.run(
                threads,
                (width() + wide() - 1) / wide(),
                (thread, item) -> {
                    var work = new Work(n, rank, threads, few, thread);
                    int row = item * wide();
                    int rows = Math.min(wide(), width() - row);
                    int part = part();
                    for (int k = 0; k < depth(); k += part) {
                        int deep = Math.min(part, depth() - k);
                        long stride = (long) deep * bytes();
                        for (int r = 0; r < rows; r++) {
                            decode(matrix, row + r, k, deep, work.panel + r * stride);
                        }
                        long b = memory + (long) k * count * bytes();
                        product(rows, count, deep, deep, k > 0, work.panel, b, work.sums(0));
                    }
                    if (rank > 0) {
                        long a = more.numbers().address() + (long) row * rank * bytes();
                        long b = memory + (long) depth() * count * bytes();
                        product(rows, count, rank, rank, true, a, b, work.sums(0));
                    }
                    long turned = work.dense;
                    TileRows.transposePairs(
                            work.sums(0), line, rows, n, turned, (long) rows * FLOAT, work.scratch);
                    write(turned, n, rows, residual, y, 0, row);
                    TileProduct.release();
                });
    }

    private void product(int m, int n, int k, int aRow, boolean add, long a, long b, long c) {
        if (half) {
            TileProduct.multiply(m, n, k, aRow, n, n, add, a, b, c);
        } else {
            TileProduct.multiplyFloats(m, n, k, aRow, add, a, b, c);
        }
    }

    /// Rows in memory.
    private static int padded(int rows) {
        if (rows >= ROUND) {
            return (rows + ROUND - 1) / ROUND * ROUND;
        }
        return rows <= 1 ? rows : 2 * Integer.highestOneBit(rows - 1);
    }

    private long fewBytes(int n, int rank) {
        long bytes = (long) (depth() + rank) * padded(n) * bytes();
        return isFew(n) ? (bytes + LINE - 1) / LINE * LINE : 0;
    }

    /// Decodes some columns of some rows.
    private void fill(int column, int wide, int row, int rows, Work work) {
        int part = matrix.part(row);
        boolean whole = row + rows <= matrix.ends().get(part);
        if (whole && matrix.parts().get(part) instanceof LevelRows own) {
            int start = part == 0 ? 0 : matrix.ends().get(part - 1);
            int narrow = Math.min(WIDE, wide);
            if (wide % narrow == 0 && own.servesColumns(column, narrow, half)) {
                for (int c = 0; c < wide; c += narrow) {
                    long to = work.panel + (long) c * (half ? rows * HALF : FLOAT);
                    long stride = half ? (long) narrow * HALF : (long) wide * FLOAT;
                    own.columns(row - start, rows, column + c, narrow, half, to, stride);
                }
                return;
            }
        }
        fillByRows(column, wide, row, rows, work);
    }

    private void fillByRows(int column, int wide, int row, int rows, Work work) {
        long stride = (long) wide * bytes();
        if (!half) {
            for (int r = 0; r < rows; r++) {
                decode(matrix, row + r, column, wide, work.panel + r * stride);
            }
            return;
        }
        for (int r = 0; r < rows; r += TURNED) {
            int some = Math.min(TURNED, rows - r);
            for (int i = 0; i < some; i++) {
                decode(matrix, row + r + i, column, wide, work.dense + i * stride);
            }
            for (int c = 0; c < wide; c += WIDE) {
                int narrow = Math.min(WIDE, wide - c);
                long to = work.panel + ((long) c * rows + (long) r * narrow) * HALF;
                TileRows.interleave(work.dense + (long) c * HALF, stride, some, narrow, to);
            }
        }
    }

    /// Decodes some columns of some rows, and turns them.
    private void fillTurned(
            Stack from, int row, int rows, int column, int columns, long panel, Work work) {
        int some = Math.max(2 * UNIT, from.step());
        int pairs = half ? 2 : 1;
        long stride = (long) some * bytes();
        for (int r = 0; r < rows; r += TURNED) {
            int height = Math.min(TURNED, rows - r);
            for (int c = 0; c < columns; c += some) {
                int count = Math.min(some, columns - c);
                for (int i = 0; i < height; i++) {
                    decode(from, row + r + i, column + c, count, work.dense + i * stride);
                }
                long to = panel + ((long) c / pairs * rows + r) * FLOAT;
                TileRows.transposePairs(
                        work.dense,
                        stride,
                        height,
                        count / pairs,
                        to,
                        (long) rows * FLOAT,
                        work.scratch);
            }
        }
    }

    private void decode(Stack from, int row, int column, int columns, long to) {
        int part = from.part(row);
        int start = part == 0 ? 0 : from.ends().get(part - 1);
        Target target = new Target(Vectors.MEMORY, to, half);
        from.parts().get(part).decode(row - start, column, columns, target);
    }

    /// Multiplies some rows by a panel.
    private void tile(Rows x, int row, int rows, int k, int depth, int wide, long panel, long c) {
        int stride = (int) (x.stride() / bytes());
        for (int column = 0; column < wide; column += narrow(wide)) {
            int narrow = Math.min(narrow(wide), wide - column);
            long b = panel + (long) column * depth * bytes();
            long to = c + (long) column * TILE * FLOAT;
            product(rows, narrow, depth, stride, k > 0, x.at(row, k), b, to);
        }
    }

    /// Rows above a tile that is not full, which are multiplied once more.
    private static int above(int row, int rows) {
        return Math.min(row, (ROUND - rows % ROUND) % ROUND);
    }

    private void finish(
            long c, int row, int rows, int above, Rows residual, Rows y, int column, int wide) {
        for (int k = 0; k < wide; k += narrow(wide)) {
            int narrow = Math.min(narrow(wide), wide - k);
            long from = c + ((long) k * TILE + (long) above * narrow) * FLOAT;
            write(from, rows, narrow, residual, y, row, column + k);
        }
    }

    private void write(long c, int rows, int wide, Rows residual, Rows y, int row, int column) {
        long to = y.at(row, column);
        if (residual == null) {
            PanelLoops.write(half, c, rows, wide, to, y.stride());
        } else {
            long other = residual.at(row, column);
            PanelLoops.writeSum(half, c, rows, wide, other, residual.stride(), to, y.stride());
        }
    }

    /// Where a thread works.
    private final class Work {
        final long bytes;
        final long panel; // (depth, wide), in pairs of bfloat16
        final long dense; // rows before they are put in order
        final long scratch; // of a transposition
        final long more; // (rank, wide), as the panel
        private final long sums; // float32 (block, wide)

        Work(int n, int rank, int threads, long memory, int thread) {
            long panels = (long) part() * wide() * bytes();
            long rows = (long) TURNED * Math.max(2 * UNIT, matrix.step()) * FLOAT;
            long own = back ? rows * wide() / UNIT : Math.max(rows, (long) TILE * wide() * FLOAT);
            int count = part() < depth() ? block(n, threads) : TILE;
            long products = (long) count * wide() * FLOAT;
            long others = back ? 0 : (long) rank * wide() * bytes();
            bytes = panels + own + TileRows.SCRATCH + products + others;
            panel = memory + thread * bytes;
            dense = panel + panels;
            scratch = dense + own;
            sums = scratch + TileRows.SCRATCH;
            more = sums + products;
        }

        /// A tile's product.
        long sums(int row) {
            return sums + (long) row * wide() * FLOAT;
        }
    }
}
