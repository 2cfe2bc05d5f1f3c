package org.attune.tensor.vector;

import java.util.List;

/// Adds sums of outer products of rows, `aᵀ b`, to float32 matrices, as gradients of an adapter's
/// matrices are: `a` has few columns. Some columns of `b` are an item of work, for which all rows
/// are added in order, so that threads don't change a bit.
///
/// @param products all of them are shared out at once
/// @param n rows
public record OuterSums(List<Product> products, int n) {
    /// Most columns of `a`.
    public static final int MOST_RANK = 128;

    /// Rows at a time, whose columns of `b` stay in a core's cache.
    private static final int CHUNK = 256;

    /// The last rows are padded with zeros to a multiple of it. Each number of rows is another kind
    /// of product, which is compiled.
    private static final int ROUND = 32;

    /// Columns of `b` at a time.
    private static final int WIDE = 64;

    private static final int FLOAT = Float.BYTES;
    private static final int HALF = Short.BYTES;
    private static final int PAIR = Integer.BYTES;

    private static final long COLUMNS_BYTES = (long) CHUNK * WIDE * HALF;
    private static final long PRODUCTS_BYTES = (long) MOST_RANK * WIDE * FLOAT;

    /// A product.
    ///
    /// @param a bfloat16 `(n, rank)`
    /// @param rank at most [#MOST_RANK]
    /// @param b bfloat16 `(n, width)`
    /// @param targets what is added to
    /// @param kept numbers of `b` that dropout keeps, of which `width` must be a multiple of
    ///     [DropoutKernel#MULTIPLE]; null: all
    public record Product(
            Rows a, int rank, Rows b, int width, List<Target> targets, KeptNumbers kept) {
        int items() {
            return (width + WIDE - 1) / WIDE;
        }
    }

    /// Some rows of a product times a factor are added to it.
    ///
    /// @param first row of the product, a column of `a`
    /// @param count rows
    /// @param sum address of float32 numbers
    /// @param rowStride numbers there from a row to the next
    /// @param columnStride likewise
    public record Target(
            int first, int count, float factor, long sum, long rowStride, long columnStride) {}

    private int chunks() {
        return (n + CHUNK - 1) / CHUNK;
    }

    private static int padded(int rows) {
        return (rows + ROUND - 1) / ROUND * ROUND;
    }

    private int rows(int chunk) {
        return Math.min(CHUNK, n - chunk * CHUNK);
    }

    /// Bytes to work in.
    public long workBytes(int threads) {
        int ranks = products.stream().mapToInt(Product::rank).sum();
        return (long) ranks * chunks() * CHUNK * HALF + threads * own();
    }

    /// What a thread has: some columns of a chunk in pairs of rows, their products, and what
    /// dropout leaves of the columns.
    private static long own() {
        return 2 * COLUMNS_BYTES + PRODUCTS_BYTES;
    }

    /// @param memory of [#workBytes]
    public void run(long memory, int threads) {
        long turned = memory + threads * own();
        KernelThreads.run(
                threads,
                products.size() * chunks(),
                (_, item) -> turn(item / chunks(), item % chunks(), turned));
        KernelThreads.run(
                threads,
                products.stream().mapToInt(Product::items).sum(),
                (thread, item) -> {
                    int number = 0;
                    int rest = item;
                    while (rest >= products.get(number).items()) {
                        rest -= products.get(number).items();
                        number++;
                    }
                    add(number, rest * WIDE, turned, memory + thread * own());
                    TileProduct.release();
                });
    }

    /// Where a chunk of `aᵀ` is, `(rank, CHUNK)`.
    private long turned(int product, int chunk, long turned) {
        long before = 0;
        for (int i = 0; i < product; i++) {
            before += (long) products.get(i).rank() * chunks();
        }
        return turned + (before + (long) products.get(product).rank() * chunk) * CHUNK * HALF;
    }

    private void turn(int product, int chunk, long turned) {
        Product p = products.get(product);
        long to = turned(product, chunk, turned);
        int rows = rows(chunk);
        if (rows < padded(rows)) {
            TileRows.zero(to, p.rank() * CHUNK);
        }
        for (int i = 0; i < rows; i++) {
            TileRows.toColumn(
                    p.a().at(chunk * CHUNK + i, 0), p.rank(), to + (long) i * HALF, CHUNK);
        }
    }

    private void add(int product, int column, long turned, long own) {
        Product p = products.get(product);
        int wide = Math.min(WIDE, p.width() - column);
        long c = own + COLUMNS_BYTES;
        for (int chunk = 0; chunk < chunks(); chunk++) {
            int rows = rows(chunk);
            interleave(p, chunk * CHUNK, rows, column, wide, own);
            int pairs = (rows + 1) / 2;
            int depth = padded(rows);
            TileRows.zero(own + (long) pairs * wide * PAIR, (depth - 2 * pairs) * wide);
            long a = turned(product, chunk, turned);
            TileProduct.multiply(p.rank(), wide, depth, CHUNK, wide, wide, chunk > 0, a, own, c);
        }
        for (Target t : p.targets()) {
            long from = c + (long) t.first() * wide * FLOAT;
            long to = t.sum() + column * t.columnStride() * FLOAT;
            if (t.columnStride() == 1 && wide % Vectors.LANES == 0) {
                PanelLoops.addTo(from, t.count(), wide, t.factor(), to, t.rowStride() * FLOAT);
            } else {
                addOneByOne(from, wide, t, to);
            }
        }
    }

    /// Puts columns of some rows into pairs of rows.
    private static void interleave(Product p, int row, int rows, int column, int wide, long own) {
        long from = p.b().at(row, column);
        if (p.kept() == null) {
            TileRows.interleave(from, p.b().stride(), rows, wide, own);
            return;
        }
        long left = own + COLUMNS_BYTES + PRODUCTS_BYTES;
        long rowBytes = (long) wide * HALF;
        new DropoutKernel(p.kept(), p.width())
                .keep(row, column, rows, wide, from, p.b().stride(), left, rowBytes);
        TileRows.interleave(left, rowBytes, rows, wide, own);
    }

    private static void addOneByOne(long from, int wide, Target t, long to) {
        for (int r = 0; r < t.count(); r++) {
            long row = from + (long) r * wide * FLOAT;
            long sum = to + r * t.rowStride() * FLOAT;
            PanelLoops.addApart(row, wide, t.factor(), sum, t.columnStride() * FLOAT);
        }
    }
}
