package org.attune.model.source;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Brings whole numbers that files have packed into int32 to the order of
/// [org.attune.tensor.vector.GroupRows]: row by row, the first of two numbers of 4 bits in the
/// upper half of a byte, numbers of 8 bits less by 128.
final class PackedInts {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final int NIBBLE = 4;
    private static final int LOWER = 0x0f0f0f0f; // halves of all bytes
    private static final int MIDDLE = 0x80808080; // 128 in all bytes
    private static final int TILE = 64; // rows whose lines stay in the processor's cache
    private static final int[] AWQ = {0, 2, 4, 6, 1, 3, 5, 7}; // column of each nibble

    private PackedInts() {}

    /// How many numbers an int32 has.
    static int each(int bits) {
        return Integer.SIZE / bits;
    }

    /// Four or eight numbers of a row in the order that rows have.
    private static int ordered(int packed, int bits) {
        return bits == NIBBLE
                ? (packed & LOWER) << NIBBLE | packed >>> NIBBLE & LOWER
                : packed ^ MIDDLE;
    }

    /// One of the numbers of an int32.
    private static int number(int packed, int place, int bits) {
        return number(packed, place, bits, 0);
    }

    private static int number(int packed, int place, int bits, int add) {
        int number = (packed >>> place * bits) + add & (1 << bits) - 1;
        return bits == NIBBLE ? number : number - (1 << Byte.SIZE - 1);
    }

    /// Rows that are packed along themselves.
    static void rows(MemorySegment from, MemorySegment to, int bits) {
        for (long at = 0; at < to.byteSize(); at += Integer.BYTES) {
            to.set(INT, at, ordered(from.get(INT, at), bits));
        }
    }

    /// Columns that are packed along themselves: `(in · bits / 32, out)`.
    static void columns(MemorySegment from, MemorySegment to, int out, int in, int bits) {
        int packed = in / each(bits);
        for (int tile = 0; tile < out; tile += TILE) {
            int end = Math.min(out, tile + TILE);
            for (int i = 0; i < packed; i++) {
                for (int row = tile; row < end; row++) {
                    int some = from.get(INT, Integer.BYTES * ((long) i * out + row));
                    to.set(INT, Integer.BYTES * ((long) row * packed + i), ordered(some, bits));
                }
            }
        }
    }

    /// AWQ's `(in, out / 8)`.
    static void awq(MemorySegment from, MemorySegment to, int out, int in) {
        int packed = out / AWQ.length;
        for (int i = 0; i < packed; i++) {
            for (int column = 0; column < in; column += 2) {
                int one = from.get(INT, Integer.BYTES * ((long) column * packed + i));
                int two = from.get(INT, Integer.BYTES * ((long) (column + 1) * packed + i));
                for (int k = 0; k < AWQ.length; k++) {
                    long row = (long) i * AWQ.length + AWQ[k];
                    int both = number(one, k, NIBBLE) << NIBBLE | number(two, k, NIBBLE);
                    to.set(BYTE, (row * in + column) / 2, (byte) both);
                }
            }
        }
    }

    /// Zeros of groups, a byte each.
    ///
    /// @param from `(groups, out · bits / 32)`
    /// @param to `(out, groups)`
    /// @param add to each, which then begins at 0 again, as in AutoGPTQ
    /// @param awq whether numbers of an int32 are in AWQ's order
    static void zeros(
            MemorySegment from,
            MemorySegment to,
            int out,
            int groups,
            int bits,
            int add,
            boolean awq) {
        int each = each(bits);
        int packed = (out + each - 1) / each;
        for (int group = 0; group < groups; group++) {
            for (int i = 0; i < packed * each; i++) {
                int row = awq ? i / each * each + AWQ[i % each] : i;
                if (row < out) {
                    int some = from.get(INT, Integer.BYTES * ((long) group * packed + i / each));
                    to.set(
                            BYTE,
                            (long) row * groups + group,
                            (byte) number(some, i % each, bits, add));
                }
            }
        }
    }

    /// Zeros that are packed along columns: `(out · bits / 32, groups)`.
    static void zerosByColumn(MemorySegment from, MemorySegment to, int out, int groups, int bits) {
        int each = each(bits);
        for (int row = 0; row < out; row++) {
            for (int group = 0; group < groups; group++) {
                long at = (long) (row / each) * groups + group;
                int some = from.get(INT, Integer.BYTES * at);
                to.set(BYTE, (long) row * groups + group, (byte) number(some, row % each, bits));
            }
        }
    }

    /// Scales `(groups, out)` row by row.
    ///
    /// @param bytes of a scale
    static void turned(MemorySegment from, MemorySegment to, int out, int groups, int bytes) {
        for (int group = 0; group < groups; group++) {
            for (int row = 0; row < out; row++) {
                long at = ((long) group * out + row) * bytes;
                MemorySegment.copy(from, at, to, ((long) row * groups + group) * bytes, bytes);
            }
        }
    }
}
