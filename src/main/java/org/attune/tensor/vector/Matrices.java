package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// Products of small float32 matrices in plain memory. Strides are in bytes.
final class Matrices {
    /// Rows of the result that are computed together; matrices must have room for a multiple of it.
    static final int ROWS = 4;

    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;

    private Matrices() {}

    /// `c = a b`, or `c += a b`.
    ///
    /// @param a `(m, k)`, whose rows stand `aRow` and columns `aColumn` apart
    /// @param b `(k, n)`, dense in a row
    /// @param c `(m, n)`, dense in a row
    /// @param m rounded up to a multiple of [#ROWS]
    /// @param n a multiple of [Vectors#LANES]
    static void multiply(
            long a,
            long aRow,
            long aColumn,
            long b,
            long bRow,
            long c,
            long cRow,
            int m,
            int n,
            int k,
            boolean add) {
        int j = 0;
        for (; j + 2 * LANES <= n; j += 2 * LANES) {
            for (int i = 0; i < m; i += ROWS) {
                wide(
                        a + i * aRow,
                        aRow,
                        aColumn,
                        b + (long) j * FLOAT,
                        bRow,
                        c + i * cRow + (long) j * FLOAT,
                        cRow,
                        k,
                        add);
            }
        }
        if (j < n) {
            for (int i = 0; i < m; i += ROWS) {
                narrow(
                        a + i * aRow,
                        aRow,
                        aColumn,
                        b + (long) j * FLOAT,
                        bRow,
                        c + i * cRow + (long) j * FLOAT,
                        cRow,
                        k,
                        add);
            }
        }
    }

    /// Four rows by two vectors.
    private static void wide(
            long a,
            long aRow,
            long aColumn,
            long b,
            long bRow,
            long c,
            long cRow,
            int k,
            boolean add) {
        long step = (long) LANES * FLOAT;
        FloatVector c00 = Vectors.begin(add, c);
        FloatVector c01 = Vectors.begin(add, c + step);
        FloatVector c10 = Vectors.begin(add, c + cRow);
        FloatVector c11 = Vectors.begin(add, c + cRow + step);
        FloatVector c20 = Vectors.begin(add, c + 2 * cRow);
        FloatVector c21 = Vectors.begin(add, c + 2 * cRow + step);
        FloatVector c30 = Vectors.begin(add, c + 3 * cRow);
        FloatVector c31 = Vectors.begin(add, c + 3 * cRow + step);
        long aAt = a;
        long bAt = b;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = Vectors.load(bAt);
            FloatVector b1 = Vectors.load(bAt + step);
            FloatVector a0 = Vectors.spread(aAt);
            c00 = b0.fma(a0, c00);
            c01 = b1.fma(a0, c01);
            FloatVector a1 = Vectors.spread(aAt + aRow);
            c10 = b0.fma(a1, c10);
            c11 = b1.fma(a1, c11);
            FloatVector a2 = Vectors.spread(aAt + 2 * aRow);
            c20 = b0.fma(a2, c20);
            c21 = b1.fma(a2, c21);
            FloatVector a3 = Vectors.spread(aAt + 3 * aRow);
            c30 = b0.fma(a3, c30);
            c31 = b1.fma(a3, c31);
            aAt += aColumn;
            bAt += bRow;
        }
        Vectors.store(c00, c);
        Vectors.store(c01, c + step);
        Vectors.store(c10, c + cRow);
        Vectors.store(c11, c + cRow + step);
        Vectors.store(c20, c + 2 * cRow);
        Vectors.store(c21, c + 2 * cRow + step);
        Vectors.store(c30, c + 3 * cRow);
        Vectors.store(c31, c + 3 * cRow + step);
    }

    /// Four rows by one vector.
    private static void narrow(
            long a,
            long aRow,
            long aColumn,
            long b,
            long bRow,
            long c,
            long cRow,
            int k,
            boolean add) {
        FloatVector c0 = Vectors.begin(add, c);
        FloatVector c1 = Vectors.begin(add, c + cRow);
        FloatVector c2 = Vectors.begin(add, c + 2 * cRow);
        FloatVector c3 = Vectors.begin(add, c + 3 * cRow);
        long aAt = a;
        long bAt = b;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = Vectors.load(bAt);
            c0 = b0.fma(Vectors.spread(aAt), c0);
            c1 = b0.fma(Vectors.spread(aAt + aRow), c1);
            c2 = b0.fma(Vectors.spread(aAt + 2 * aRow), c2);
            c3 = b0.fma(Vectors.spread(aAt + 3 * aRow), c3);
            aAt += aColumn;
            bAt += bRow;
        }
        Vectors.store(c0, c);
        Vectors.store(c1, c + cRow);
        Vectors.store(c2, c + 2 * cRow);
        Vectors.store(c3, c + 3 * cRow);
    }
}
