package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

import java.lang.foreign.ValueLayout;

/// Puts bfloat16 rows into the orders that [TileProduct] wants. Rows are dense but where said.
final class TileRows {
    private static final int HALF = Short.BYTES;
    private static final int PAIR = Integer.BYTES;
    private static final int PAIR_BITS = 16;
    private static final int BLOCK = Vectors.LANES == 8 ? 8 : 16;

    private TileRows() {}

    /// Copies rows that stand `fromRow` and `toRow` bytes apart.
    ///
    /// @param wide a multiple of [Vectors#LANES]
    static void copy(long from, long fromRow, int rows, int wide, long to, long toRow) {
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < wide; c += Vectors.LANES) {
                long column = (long) c * HALF;
                Vectors.copy(from + r * fromRow + column, to + r * toRow + column);
            }
        }
    }

    static void zero(long at, int numbers) {
        Vectors.MEMORY.asSlice(at, (long) numbers * HALF).fill((byte) 0);
    }

    /// Pairs of rows, number by number.
    ///
    /// @param from `(rows, wide)`, dense; `rows` even, `wide` a multiple of [Vectors#LANES]
    /// @param to `(rows/2, wide, 2)`
    static void interleave(long from, int rows, int wide, long to) {
        interleave(from, (long) wide * HALF, rows, wide, to);
    }

    /// Pairs of rows, number by number, for any number of rows and columns. The last row's partner
    /// is a row of zeros if need be.
    ///
    /// @param fromRow bytes from a row to the next
    static void interleave(long from, long fromRow, int rows, int wide, long to) {
        int whole = wide / Vectors.LANES * Vectors.LANES;
        for (int t = 0; t < rows; t += 2) {
            long low = from + t * fromRow;
            long out = to + (long) t / 2 * wide * PAIR;
            if (t + 1 < rows) {
                interleaveRows(low, low + fromRow, whole, out);
            }
            for (int c = t + 1 < rows ? whole : 0; c < wide; c++) {
                long column = (long) c * HALF;
                int pair = Short.toUnsignedInt(number(low + column));
                if (t + 1 < rows) {
                    pair |= number(low + fromRow + column) << PAIR_BITS;
                }
                Vectors.MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, out + (long) c * PAIR, pair);
            }
        }
    }

    private static short number(long at) {
        return Vectors.MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, at);
    }

    private static void interleaveRows(long a, long b, int wide, long to) {
        for (int c = 0; c < wide; c += Vectors.LANES) {
            FloatVector low = Vectors.load(true, a + (long) c * HALF);
            FloatVector high = Vectors.load(true, b + (long) c * HALF);
            Vectors.storePairs(Vectors.bits(low), Vectors.bits(high), to + (long) c * PAIR);
        }
    }

    /// Transposes pairs of numbers.
    ///
    /// @param from `(rows, wide, 2)`
    /// @param to `(wide, rows, 2)`
    /// @param scratch [#SCRATCH] bytes
    static void transposePairs(long from, int rows, int wide, long to, long scratch) {
        transposePairs(from, (long) wide * PAIR, rows, wide, to, (long) rows * PAIR, scratch);
    }

    /// Transposes pairs of bfloat16 numbers, or float32 numbers.
    ///
    /// @param from `(rows, wide)` of four bytes each
    /// @param fromRow bytes from a row to the next
    /// @param to `(wide, rows)`
    /// @param toRow likewise
    /// @param scratch [#SCRATCH] bytes
    static void transposePairs(
            long from, long fromRow, int rows, int wide, long to, long toRow, long scratch) {
        boolean whole = Vectors.LANES == BLOCK && rows % BLOCK == 0 && wide % BLOCK == 0;
        for (int c = 0; c < wide; c += BLOCK) {
            for (int r = 0; r < rows; r += BLOCK) {
                long source = from + r * fromRow + (long) c * PAIR;
                long target = to + c * toRow + (long) r * PAIR;
                if (whole) {
                    exchangeNear(source, fromRow, scratch);
                    if (BLOCK == 16) {
                        exchangeFar(scratch, target, toRow);
                    } else {
                        exchangeHalves(scratch, target, toRow);
                    }
                } else {
                    int height = Math.min(BLOCK, rows - r);
                    block(source, fromRow, height, Math.min(BLOCK, wide - c), target, toRow);
                }
            }
        }
    }

    /// Bytes of a block of pairs.
    static final int SCRATCH = BLOCK * BLOCK * PAIR;

    private static final long ROW = (long) BLOCK * PAIR; // of such a block

    private static final VectorMask<Float> SECOND_1 = Vectors.second(1);
    private static final VectorMask<Float> SECOND_2 = Vectors.second(2);
    private static final VectorMask<Float> SECOND_4 = Vectors.second(4);
    private static final VectorMask<Float> SECOND_8 = Vectors.second(8);
    private static final VectorShuffle<Float> BY_1 = Vectors.partners(1);
    private static final VectorShuffle<Float> BY_2 = Vectors.partners(2);
    private static final VectorShuffle<Float> BY_4 = Vectors.partners(4);
    private static final VectorShuffle<Float> BY_8 = Vectors.partners(8);

    /// The first half of a transposition: what differs in one of the low two bits of its row and
    /// column changes places.
    private static void exchangeNear(long from, long fromRow, long to) {
        for (int r = 0; r < BLOCK; r += 4) {
            long at = from + r * fromRow;
            FloatVector a = Vectors.load(at);
            FloatVector b = Vectors.load(at + fromRow);
            FloatVector c = Vectors.load(at + 2 * fromRow);
            FloatVector d = Vectors.load(at + 3 * fromRow);
            FloatVector ab = a.blend(b.rearrange(BY_1), SECOND_1);
            FloatVector ba = a.rearrange(BY_1).blend(b, SECOND_1);
            FloatVector cd = c.blend(d.rearrange(BY_1), SECOND_1);
            FloatVector dc = c.rearrange(BY_1).blend(d, SECOND_1);
            long out = to + r * ROW;
            Vectors.store(ab.blend(cd.rearrange(BY_2), SECOND_2), out);
            Vectors.store(ba.blend(dc.rearrange(BY_2), SECOND_2), out + ROW);
            Vectors.store(ab.rearrange(BY_2).blend(cd, SECOND_2), out + 2 * ROW);
            Vectors.store(ba.rearrange(BY_2).blend(dc, SECOND_2), out + 3 * ROW);
        }
    }

    /// The second half: the high two bits.
    private static void exchangeFar(long from, long to, long toRow) {
        for (int r = 0; r < 4; r++) {
            long at = from + r * ROW;
            FloatVector a = Vectors.load(at);
            FloatVector b = Vectors.load(at + 4 * ROW);
            FloatVector c = Vectors.load(at + 8 * ROW);
            FloatVector d = Vectors.load(at + 12 * ROW);
            FloatVector ab = a.blend(b.rearrange(BY_4), SECOND_4);
            FloatVector ba = a.rearrange(BY_4).blend(b, SECOND_4);
            FloatVector cd = c.blend(d.rearrange(BY_4), SECOND_4);
            FloatVector dc = c.rearrange(BY_4).blend(d, SECOND_4);
            long out = to + r * toRow;
            Vectors.store(ab.blend(cd.rearrange(BY_8), SECOND_8), out);
            Vectors.store(ba.blend(dc.rearrange(BY_8), SECOND_8), out + 4 * toRow);
            Vectors.store(ab.rearrange(BY_8).blend(cd, SECOND_8), out + 8 * toRow);
            Vectors.store(ba.rearrange(BY_8).blend(dc, SECOND_8), out + 12 * toRow);
        }
    }

    /// The second half of a block of eight rows.
    private static void exchangeHalves(long from, long to, long toRow) {
        for (int r = 0; r < 4; r++) {
            long at = from + r * ROW;
            FloatVector a = Vectors.load(at);
            FloatVector b = Vectors.load(at + 4 * ROW);
            long out = to + r * toRow;
            Vectors.store(a.blend(b.rearrange(BY_4), SECOND_4), out);
            Vectors.store(a.rearrange(BY_4).blend(b, SECOND_4), out + 4 * toRow);
        }
    }

    private static void block(long from, long fromRow, int rows, int columns, long to, long toRow) {
        for (int c = 0; c < columns; c++) {
            for (int r = 0; r < rows; r++) {
                int pair =
                        Vectors.MEMORY.get(
                                ValueLayout.JAVA_INT_UNALIGNED,
                                from + r * fromRow + (long) c * PAIR);
                Vectors.MEMORY.set(
                        ValueLayout.JAVA_INT_UNALIGNED, to + c * toRow + (long) r * PAIR, pair);
            }
        }
    }

    /// Transposes numbers.
    ///
    /// @param from `(rows, wide)`; `wide` even
    /// @param to `(wide, …)`, whose rows stand `toRow` numbers apart
    static void transpose(long from, int rows, int wide, long to, int toRow) {
        for (int c = 0; c < wide; c += 2) {
            long low = to + (long) c * toRow * HALF;
            long high = low + (long) toRow * HALF;
            for (int r = 0; r < rows; r++) {
                int pair =
                        Vectors.MEMORY.get(
                                ValueLayout.JAVA_INT_UNALIGNED,
                                from + ((long) r * wide + c) * HALF);
                Vectors.MEMORY.set(
                        ValueLayout.JAVA_SHORT_UNALIGNED, low + (long) r * HALF, (short) pair);
                Vectors.MEMORY.set(
                        ValueLayout.JAVA_SHORT_UNALIGNED,
                        high + (long) r * HALF,
                        (short) (pair >>> PAIR_BITS));
            }
        }
    }

    /// Makes a row a column.
    ///
    /// @param to first number of the column, whose numbers stand `step` numbers apart
    static void toColumn(long from, int count, long to, int step) {
        for (int i = 0; i < count; i++) {
            Vectors.MEMORY.set(
                    ValueLayout.JAVA_SHORT_UNALIGNED,
                    to + (long) i * step * HALF,
                    number(from + (long) i * HALF));
        }
    }

    /// `Σ a b` of each row, as float32.
    static void dots(long a, long b, int rows, int wide, long to) {
        for (int r = 0; r < rows; r++) {
            FloatVector sum = Vectors.zero();
            for (int c = 0; c < wide; c += Vectors.LANES) {
                long place = ((long) r * wide + c) * HALF;
                sum = Vectors.load(true, a + place).fma(Vectors.load(true, b + place), sum);
            }
            Vectors.put(Vectors.sum(sum), to + (long) r * Float.BYTES);
        }
    }
}
