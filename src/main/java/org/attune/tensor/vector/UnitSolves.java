package org.attune.tensor.vector;

/// Systems of equations with lower triangles whose diagonal is ones, `(1 + A) X = B`, by
/// substitution in blocks of [Matrices#ROWS] rows. All numbers are float32.
final class UnitSolves {
    private static final int FLOAT = Float.BYTES;
    private static final int BLOCK = Matrices.ROWS;

    private UnitSolves() {}

    /// Solves `(1 + A) X = B`.
    ///
    /// @param minusA address of `-A`, `(n, n)`; only what stands below the diagonal is read
    /// @param row bytes from one of its rows to the next
    /// @param x holds `B`, and gets `X`, `(n, width)`, dense
    /// @param n a multiple of [Matrices#ROWS]
    static void forward(long minusA, long row, long x, int n, int width) {
        long xRow = (long) width * FLOAT;
        for (int i = 0; i < n; i += BLOCK) {
            long block = x + i * xRow;
            if (i > 0) {
                long a = minusA + i * row;
                Matrices.multiply(a, row, FLOAT, x, xRow, block, xRow, BLOCK, width, i, true);
            }
            for (int own = 1; own < BLOCK; own++) {
                for (int other = 0; other < own; other++) {
                    float a = number(minusA, row, i + own, i + other);
                    StateLoops.addScaled(block + other * xRow, a, width, block + own * xRow);
                }
            }
        }
    }

    /// Solves `(1 + A)ᵀ X = B`. Arguments are those of [#forward].
    static void backward(long minusA, long row, long x, int n, int width) {
        long xRow = (long) width * FLOAT;
        for (int i = n - BLOCK; i >= 0; i -= BLOCK) {
            long block = x + i * xRow;
            int after = i + BLOCK;
            if (after < n) {
                long a = minusA + after * row + (long) i * FLOAT;
                long rest = x + after * xRow;
                Matrices.multiply(
                        a, FLOAT, row, rest, xRow, block, xRow, BLOCK, width, n - after, true);
            }
            for (int own = BLOCK - 2; own >= 0; own--) {
                for (int other = own + 1; other < BLOCK; other++) {
                    float a = number(minusA, row, i + other, i + own);
                    StateLoops.addScaled(block + other * xRow, a, width, block + own * xRow);
                }
            }
        }
    }

    private static float number(long matrix, long bytes, int row, int column) {
        return Vectors.number(matrix + row * bytes + (long) column * FLOAT);
    }
}
