package org.attune.tensor.vector;

import java.lang.foreign.ValueLayout;

/// A matrix `(out, in)` of whole numbers of 8 bits with a scale a row, in the order in which
/// products read it ([DigitProduct]): panels of `w` rows, `(out/w, in/4, w, 4)`.
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

    /// What an adapter adds to a product, `u Bᵀ`, in float32.
    ///
    /// @param u float32 `(n, rank)`
    /// @param panels address of `Bᵀ`, float32 `(out/w, rank, w)`
    public record Update(Rows u, int rank, long panels) {}

    /// Whether libtorch, which must be loaded, has products for it. The processor must have
    /// AVX512-VNNI, which callers must have asked.
    public static boolean areAvailable() {
        return TileProduct.hasBytes();
    }

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

    /// Bytes that [#multiply] works in.
    ///
    /// @param n rows
    /// @param back as there
    public long workBytes(int n, boolean back, int threads) {
        return new DigitProduct(this, back).workBytes(n, threads);
    }

    /// Multiplies `n` rows by the transposed matrix, or on the way back by the matrix.
    ///
    /// @param x float32 `(n, in)`, or `(n, out)` on the way back
    /// @param back which of both
    /// @param update what is added, or null: nothing
    /// @param residual added, float32 of the result's shape, or null: none
    /// @param y written, float32 `(n, out)`, or `(n, in)` on the way back
    /// @param memory of [#workBytes]
    public void multiply(
            int n,
            Rows x,
            boolean back,
            Update update,
            Rows residual,
            Rows y,
            long memory,
            int threads) {
        new DigitProduct(this, back).run(n, x, update, residual, y, memory, threads);
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
