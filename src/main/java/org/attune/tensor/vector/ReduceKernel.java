package org.attune.tensor.vector;

/// Products `u = x A` of few rows with a narrow matrix `A` `(K, R)`, for adapters in decoding: the
/// library's product takes longer to begin than these take. Sums are float32.
///
/// @param width `K`, a multiple of the vector's length
/// @param rank `R`
public record ReduceKernel(int width, int rank) {
    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;

    /// Rows of the matrix at a time.
    private static final int DEPTH = 64;

    /// `R` rounded up to whole vectors: columns that the matrix must have.
    public int columns() {
        return (rank + LANES - 1) / LANES * LANES;
    }

    /// Bytes to work in.
    ///
    /// @param count rows
    public long workBytes(int count, int threads) {
        return threads * own(share(count, threads));
    }

    private long own(int rows) {
        return FLOAT * (DEPTH * (columns() + (long) Matrices.ROWS) + (long) rows * columns());
    }

    /// Rows of a thread.
    private static int share(int count, int threads) {
        int rows = (count + threads - 1) / threads;
        return (rows + Matrices.ROWS - 1) / Matrices.ROWS * Matrices.ROWS;
    }

    /// @param x `count` rows of `K` numbers, behind which `R` are written
    /// @param a `K` rows of [#columns] numbers
    /// @param memory of [#workBytes]
    public void run(Rows x, Rows a, int count, long memory, int threads) {
        int share = share(count, threads);
        Team.run(
                threads,
                (count + share - 1) / share,
                (thread, item) -> {
                    int first = item * share;
                    long own = memory + thread * own(share);
                    products(x, a, first, Math.min(share, count - first), own);
                });
    }

    /// Some rows, a few of the matrix's rows at a time: as float32, more would not stay in the
    /// processor's nearest cache.
    private void products(Rows x, Rows a, int first, int rows, long memory) {
        long aRow = (long) columns() * FLOAT;
        long xRow = (long) DEPTH * FLOAT;
        long tile = memory + DEPTH * aRow;
        long product = tile + Matrices.ROWS * xRow;
        for (int k = 0; k < width; k += DEPTH) {
            int depth = Math.min(DEPTH, width - k);
            RowCopies.read(a.half(), a.at(k, 0), depth * columns(), memory);
            for (int row = 0; row < rows; row += Matrices.ROWS) {
                for (int i = row; i < Math.min(rows, row + Matrices.ROWS); i++) {
                    RowCopies.read(x.half(), x.at(first + i, k), depth, tile + (i - row) * xRow);
                }
                long to = product + row * aRow;
                Matrices.multiply(
                        tile, xRow, FLOAT, memory, aRow, to, aRow, 1, columns(), depth, k > 0);
            }
        }
        for (int i = 0; i < rows; i++) {
            put(product + i * aRow, x.half(), x.at(first + i, width));
        }
    }

    private void put(long from, boolean half, long to) {
        long bytes = half ? Short.BYTES : FLOAT;
        int whole = rank / LANES * LANES;
        RowCopies.write(from, 1, whole, half, to);
        for (int k = whole; k < rank; k++) {
            Vectors.put(half, Vectors.number(from + (long) k * FLOAT), to + k * bytes);
        }
    }
}
