package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// Products `u = x Aᵀ` of few rows with a small matrix `A` `(R, K)`, for adapters in decoding: the
/// library's product takes longer to begin than these take. Sums are float32.
///
/// @param width `K`, a multiple of the vector's length
/// @param rank `R`
public record ReduceKernel(int width, int rank) {
    /// Rows of `x` that share each number of `A` that is read.
    private static final int TILE = 4;

    /// Rows of `A` at once: with [#TILE] sums of each, as many as the processor needs to be busy.
    private static final int PAIR = 2;

    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;
    private static final long VECTOR = (long) LANES * FLOAT;

    /// Bytes to work in.
    public long workBytes(int threads) {
        return threads * own();
    }

    private long own() {
        return (long) TILE * width * FLOAT + TILE * PAIR * VECTOR;
    }

    /// @param x `count` rows of `K` numbers, behind which `R` are written
    /// @param a `R` rows
    /// @param memory of [#workBytes]
    public void run(Rows x, Rows a, int count, long memory, int threads) {
        Team.run(
                threads,
                (count + TILE - 1) / TILE,
                (thread, item) -> {
                    long tile = memory + thread * own();
                    for (int i = 0; i < TILE; i++) {
                        long row = x.at(Math.min(item * TILE + i, count - 1), 0);
                        RowCopies.read(x.half(), row, width, tile + (long) i * width * FLOAT);
                    }
                    tile(tile, x, a, item * TILE, Math.min(TILE, count - item * TILE));
                });
    }

    private void tile(long tile, Rows x, Rows a, int row, int rows) {
        long sums = tile + (long) TILE * width * FLOAT;
        for (int j = 0; j < rank; j += PAIR) {
            int next = Math.min(j + 1, rank - 1);
            products(tile, a.half(), a.at(j, 0), a.at(next, 0), sums);
            for (int i = 0; i < rows; i++) {
                put(sums + i * VECTOR, x.half(), x.at(row + i, width + j));
                put(sums + (TILE + i) * VECTOR, x.half(), x.at(row + i, width + next));
            }
        }
    }

    private static void put(long sums, boolean half, long to) {
        Vectors.put(half, Vectors.sum(Vectors.load(sums)), to);
    }

    /// Vectors of partial sums of four rows with two.
    private void products(long tile, boolean half, long a, long b, long sums) {
        int bytes = half ? Short.BYTES : FLOAT;
        long row = (long) width * FLOAT;
        FloatVector a0 = FloatVector.zero(Vectors.FLOATS);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        for (int k = 0; k < width; k += LANES) {
            FloatVector va = Vectors.load(half, a + (long) k * bytes);
            FloatVector vb = Vectors.load(half, b + (long) k * bytes);
            long at = tile + (long) k * FLOAT;
            FloatVector x = Vectors.load(at);
            a0 = x.fma(va, a0);
            b0 = x.fma(vb, b0);
            x = Vectors.load(at + row);
            a1 = x.fma(va, a1);
            b1 = x.fma(vb, b1);
            x = Vectors.load(at + 2 * row);
            a2 = x.fma(va, a2);
            b2 = x.fma(vb, b2);
            x = Vectors.load(at + 3 * row);
            a3 = x.fma(va, a3);
            b3 = x.fma(vb, b3);
        }
        Vectors.store(a0, sums);
        Vectors.store(a1, sums + VECTOR);
        Vectors.store(a2, sums + 2 * VECTOR);
        Vectors.store(a3, sums + 3 * VECTOR);
        Vectors.store(b0, sums + 4 * VECTOR);
        Vectors.store(b1, sums + 5 * VECTOR);
        Vectors.store(b2, sums + 6 * VECTOR);
        Vectors.store(b3, sums + 7 * VECTOR);
    }
}
