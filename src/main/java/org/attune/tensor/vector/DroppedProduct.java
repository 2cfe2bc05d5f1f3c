package org.attune.tensor.vector;

import java.util.List;

/// Products of an input with matrices that stand one below the other in panels ([Panels]), where
/// each of them has its own dropout: `u = factor · dropout(x) matrixᵀ`. A tile of rows is an
/// item of work, and the numbers that stay are multiplied while the cache holds them.
///
/// @param parts the matrices' rows, which are columns of `u`
/// @param in columns of the matrices, a multiple of [DropoutKernel#MULTIPLE]
/// @param out rows of all of them
/// @param panels address of the first
/// @param factor of the products
public record DroppedProduct(List<DropoutPart> parts, int in, int out, long panels, float factor) {
    private static final int TILE = 64;

    /// Rows of the last tile are padded to a multiple of it. Each number of rows is another kind of
    /// product, which is compiled.
    private static final int ROUND = 8;

    private static final int HALF = Short.BYTES;
    private static final int PAIR = Integer.BYTES;

    /// Bytes to work in.
    public long workBytes(int threads) {
        return threads * (kept() + (long) TILE * Panels.MOST_WIDE * Float.BYTES);
    }

    /// Bytes of what is left of a tile.
    private long kept() {
        return (long) TILE * in * HALF;
    }

    /// @param x bfloat16 `(n, in)`
    /// @param u written, bfloat16 `(n, out)`
    /// @param memory of [#workBytes]
    public void run(Rows x, Rows u, int n, long memory, int threads) {
        KernelThreads.run(
                threads,
                (n + TILE - 1) / TILE,
                (thread, item) -> {
                    long own = memory + thread * workBytes(1);
                    int row = item * TILE;
                    int rows = Math.min(TILE, n - row);
                    for (DropoutPart part : parts) {
                        long rowBytes = (long) in * HALF;
                        new DropoutKernel(part.kept(), in)
                                .keep(row, 0, rows, in, x.at(row, 0), x.stride(), own, rowBytes);
                        multiply(part, row, rows, own, u);
                    }
                    TileProduct.release();
                });
    }

    /// Rows behind the last one hold anything, and their products are never read.
    private void multiply(DropoutPart part, int row, int rows, long own, Rows u) {
        int wide = Panels.wide(out);
        long c = own + kept();
        for (int p = part.first() / wide; p * wide < part.end(); p++) {
            int height = Panels.height(out, p);
            int first = Math.max(part.first(), p * wide);
            int count = Math.min(part.end(), p * wide + height) - first;
            long panel = Panels.at(panels, p, wide, in);
            TileProduct.multiply(
                    (rows + ROUND - 1) / ROUND * ROUND,
                    count,
                    in,
                    in,
                    height,
                    count,
                    false,
                    own,
                    panel + (long) (first - p * wide) * PAIR,
                    c);
            PanelLoops.roundScaled(c, rows, count, factor, u.at(row, first), u.stride());
        }
    }
}
