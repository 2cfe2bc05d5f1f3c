package org.attune.tensor.vector;

import java.lang.foreign.MemorySegment;

/// Moves whole rows about in memory.
public final class RowMoves {
    /// Bytes from which a loop over rows is worth sharing.
    private static final long WORTH_SHARING = 1L << 20;

    /// Rows that a thread takes at a time.
    private static final int CHUNK = 64;

    private RowMoves() {}

    /// Copies rows to consecutive ones.
    ///
    /// @param count of rows
    /// @param bytes of a row
    public static void copy(Rows from, Rows to, int count, long bytes) {
        if (from.stride() == bytes && to.stride() == bytes) {
            move(from.address(), to.address(), count * bytes);
            return;
        }
        for (int i = 0; i < count; i++) {
            move(from.at(i, 0), to.at(i, 0), bytes);
        }
    }

    /// Copies rows from anywhere.
    ///
    /// @param rows numbers of those to copy
    /// @param bytes of a row
    public static void gather(Rows from, int[] rows, Rows to, long bytes, int threads) {
        KernelThreads.rows(
                rows.length * bytes < WORTH_SHARING ? 1 : threads,
                rows.length,
                CHUNK,
                (_, i) -> move(from.at(rows[i], 0), to.at(i, 0), bytes));
    }

    static void move(long from, long to, long bytes) {
        MemorySegment.copy(Vectors.MEMORY, from, Vectors.MEMORY, to, bytes);
    }
}
