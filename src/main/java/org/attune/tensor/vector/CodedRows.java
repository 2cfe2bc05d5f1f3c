package org.attune.tensor.vector;

import java.lang.foreign.MemorySegment;
import java.util.List;

/// Rows of a matrix whose numbers stand in memory in few bits. A product decodes as many of them as
/// fit into the processor's cache, and multiplies these.
public sealed interface CodedRows
        permits LevelRows, ByteRows, GroupRows, BlockRows, CodedRows.Plain {
    /// Numbers that one thread decodes at a time, more or less.
    int CHUNK = 1 << 13;

    /// Columns that are decoded begin at multiples of it, and are as many but for the last.
    int step();

    /// Decodes neighbouring numbers of a row.
    ///
    /// @param column first of them, a multiple of [#step]
    /// @param to written
    void decode(int row, int column, int count, Target to);

    /// Rows that are copied as they are, beside others in few bits.
    ///
    /// @param numbers of the type that products have
    /// @param in columns
    record Plain(MemorySegment numbers, int in) implements CodedRows {
        @Override
        public int step() {
            return 1;
        }

        @Override
        public void decode(int row, int column, int count, Target to) {
            long bytes = to.bytes();
            long from = ((long) row * in + column) * bytes;
            MemorySegment.copy(numbers, from, to.memory(), to.at(), count * bytes);
        }
    }

    /// Where numbers of a row are written.
    ///
    /// @param memory of all rows
    /// @param at byte of the first number
    /// @param half whether they are bfloat16, rounded to the nearest, ties to even; else float32
    record Target(MemorySegment memory, long at, boolean half) {
        private static final int HALF_BITS = 16;
        private static final int ROUND_UP = 0x7fff;

        int bytes() {
            return half ? Short.BYTES : Float.BYTES;
        }

        Target skip(long numbers) {
            return new Target(memory, at + numbers * bytes(), half);
        }

        long address() {
            return memory.address() + at;
        }

        /// Writes numbers.
        void put(float[] numbers, int count) {
            if (!half) {
                MemorySegment.copy(MemorySegment.ofArray(numbers), 0, memory, at, 4L * count);
                return;
            }
            var rounded = new short[count];
            for (int i = 0; i < count; i++) {
                int bits = Float.floatToRawIntBits(numbers[i]);
                rounded[i] = (short) (bits + ROUND_UP + (bits >>> HALF_BITS & 1) >>> HALF_BITS);
            }
            MemorySegment.copy(MemorySegment.ofArray(rounded), 0, memory, at, 2L * count);
        }
    }

    /// Matrices one below the other.
    ///
    /// @param parts of equally many columns
    /// @param ends rows of all parts up to the end of each
    /// @param in columns
    record Stack(List<CodedRows> parts, List<Integer> ends, int in) {
        public Stack {
            parts = List.copyOf(parts);
            ends = List.copyOf(ends);
        }

        int out() {
            return ends.getLast();
        }

        int step() {
            int step = 1;
            for (CodedRows part : parts) {
                step = Math.max(step, part.step());
            }
            return step;
        }

        /// Number of the part that has a row.
        int part(int row) {
            int part = 0;
            while (row >= ends.get(part)) {
                part++;
            }
            return part;
        }

        /// Whether there are products for matrices of such a shape.
        ///
        /// @param half whether rows are bfloat16
        /// @param more columns of an adapter behind those of the matrix
        public static boolean serves(boolean half, int out, int in, int more) {
            return CodedProduct.serves(half, out, in, more);
        }

        /// Bytes that [#multiply] works in.
        ///
        /// @param half whether rows are bfloat16
        /// @param n rows
        /// @param more as in [#serves]
        public long workBytes(boolean half, boolean back, int n, int more, int threads) {
            return new CodedProduct(this, half, back).workBytes(n, more, threads);
        }

        /// `x matrixᵀ`, plus what an adapter and a residual add, or `x matrix` on the way back.
        ///
        /// @param back which of both
        /// @param x float32 or bfloat16 `(n, in + R)`, or `(n, out)` on the way back
        /// @param more an adapter's columns, `(out, R)`, or null: none
        /// @param residual added, of the result's shape, or null: none
        /// @param y written, `(n, out)`, or `(n, in)` on the way back
        /// @param memory of [#workBytes]
        public void multiply(
                boolean back,
                int n,
                Rows x,
                Plain more,
                Rows residual,
                Rows y,
                long memory,
                int threads) {
            new CodedProduct(this, x.half(), back).run(n, x, more, residual, y, memory, threads);
        }
    }

    /// Decodes the same columns of neighbouring rows.
    ///
    /// @param memory written
    /// @param stride bytes from a row to the next
    /// @param half as in [Target]
    default void decode(
            int row,
            int rows,
            int column,
            int columns,
            MemorySegment memory,
            long stride,
            boolean half,
            int threads) {
        int some = Math.clamp(CHUNK / columns, 1, rows);
        KernelThreads.rows(
                threads,
                rows,
                some,
                (_, r) -> decode(row + r, column, columns, new Target(memory, r * stride, half)));
    }
}
