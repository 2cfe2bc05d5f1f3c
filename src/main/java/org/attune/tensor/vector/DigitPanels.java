package org.attune.tensor.vector;

import java.lang.foreign.ValueLayout;

/// A matrix `(out, in)` of whole numbers of 8 bits with a scale a row, in the order in which
/// [DigitProduct] reads it: panels of `w` rows, `(out/w, in/4, w, 4)`.
///
/// @param out rows, a multiple of [Panels#UNIT], at most [#MOST]
/// @param in columns, likewise
/// @param codes address of the first panel
/// @param sizes float32 `(out)`, the largest size of each row's numbers, as of [ByteRows]
/// @param scales float32 `(out)`, what a row's codes are multiplied by
/// @param rowSums int32 `(out)`, 128 times the sum of a row's codes
/// @param columnSums int32 `(in)`, 128 times the sum of a column's codes
/// @param ones float32 `(in)`
public record DigitPanels(
        int out,
        int in,
        long codes,
        long sizes,
        long scales,
        long rowSums,
        long columnSums,
        long ones) {
    /// Most rows and columns: sums of as many products of bytes fit into 32 bits.
    public static final int MOST = 1 << 16;

    private static final int QUAD = Integer.BYTES;
    private static final int FLOAT = Float.BYTES;
    private static final int MIDDLE = 128;

    /// Whether a matrix can be one.
    public static boolean fits(int out, int in) {
        return Vectors.LANES >= 8
                && out % Panels.UNIT == 0
                && in % Panels.UNIT == 0
                && Math.max(out, in) <= MOST;
    }

    /// Rows of a panel.
    ///
    /// @param out rows of the matrix
    public static int wide(int out) {
        return Panels.wide(out);
    }

    int wide() {
        return wide(out);
    }

    /// Address of a panel from a column on.
    ///
    /// @param column a multiple of four
    long at(int panel, int column) {
        return codes + (long) panel * wide() * in + (long) column * wide();
    }

    private long quad(int row, int column) {
        return at(row / wide(), column) + (long) (row % wide()) * QUAD;
    }

    /// Puts rows into panels.
    ///
    /// @param first of them
    /// @param from has all of them
    public void pack(int first, ByteRows from, int threads) {
        int rows = Math.toIntExact(from.sizes().byteSize() / FLOAT);
        KernelThreads.rows(
                threads,
                rows,
                Math.max(1, CodedRows.CHUNK / in),
                (_, row) -> {
                    long own = from.codes().address() + (long) row * in;
                    for (int k = 0; k < in; k += QUAD) {
                        int quad = Vectors.MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, own + k);
                        putInt(quad, quad(first + row, k));
                    }
                    float size = from.sizes().getAtIndex(ValueLayout.JAVA_FLOAT, row);
                    long place = (long) (first + row) * FLOAT;
                    Vectors.put(size, sizes + place);
                    Vectors.put(size * ByteRows.SHARE, scales + place);
                });
    }

    /// Adds up rows and columns, when all rows are there.
    public void sum(int threads) {
        KernelThreads.rows(
                threads,
                out,
                Panels.UNIT,
                (_, row) -> {
                    int sum = 0;
                    for (int k = 0; k < in; k += QUAD) {
                        int quad = getInt(quad(row, k));
                        sum += code(quad, 0) + code(quad, 1) + code(quad, 2) + code(quad, 3);
                    }
                    putInt(MIDDLE * sum, rowSums + (long) row * FLOAT);
                });
        KernelThreads.rows(threads, in / QUAD, Panels.UNIT / QUAD, (_, q) -> sumColumns(q * QUAD));
    }

    private void sumColumns(int first) {
        var sums = new int[QUAD];
        for (int row = 0; row < out; row++) {
            int quad = getInt(quad(row, first));
            for (int i = 0; i < QUAD; i++) {
                sums[i] += code(quad, i);
            }
        }
        for (int i = 0; i < QUAD; i++) {
            putInt(MIDDLE * sums[i], columnSums + (long) (first + i) * FLOAT);
            Vectors.put(1, ones + (long) (first + i) * FLOAT);
        }
    }

    private static int code(int quad, int place) {
        return (byte) (quad >> Byte.SIZE * place);
    }

    private static int getInt(long at) {
        return Vectors.MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, at);
    }

    private static void putInt(int value, long at) {
        Vectors.MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, at, value);
    }

    /// Writes the numbers of some rows, those of [ByteRows].
    ///
    /// @param to float32 `(count, in)`
    public void decode(int first, int count, Rows to, int threads) {
        KernelThreads.rows(
                threads,
                count,
                Math.max(1, CodedRows.CHUNK / in),
                (_, row) -> {
                    float size = Vectors.number(sizes + (long) (first + row) * FLOAT);
                    for (int k = 0; k < in; k++) {
                        int code = code(getInt(quad(first + row, k / QUAD * QUAD)), k % QUAD);
                        Vectors.put(code * size * ByteRows.SHARE, to.at(row, k));
                    }
                });
    }
}
