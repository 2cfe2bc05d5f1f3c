package org.attune.tensor.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.tensor.VectorKernels;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Random;

class GroupRowsTest {
    private static final int OUT = 6;
    private static final int IN = 200;
    private static final int COLUMNS = 72; // of a group: no number of whole vectors

    private static MemorySegment bytes(Arena arena, Random random, int count, int most) {
        MemorySegment bytes = arena.allocate(count, 64);
        for (int i = 0; i < count; i++) {
            bytes.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt(most));
        }
        return bytes;
    }

    private static GroupRows rows(Arena arena, GroupRows.Codes codes, boolean vectors) {
        var random = new Random(7);
        int groups = (IN + COLUMNS - 1) / COLUMNS;
        int scales = OUT / 2 * groups; // rows share them by twos
        MemorySegment numbers = arena.allocate(4L * scales, 4);
        for (int i = 0; i < scales; i++) {
            numbers.setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextFloat());
        }
        boolean whole = codes == GroupRows.Codes.WHOLE4 || codes == GroupRows.Codes.WHOLE8;
        return new GroupRows(
                bytes(arena, random, OUT * IN * codes.bits() / 8, 256),
                codes,
                new GroupRows.Scales(numbers, GroupRows.Scales.Kind.FLOAT32, 2, COLUMNS, groups),
                whole ? Optional.of(bytes(arena, random, scales, 14)) : Optional.empty(),
                whole ? 1 : 0,
                Optional.empty(),
                IN,
                vectors);
    }

    private static byte[] decoded(GroupRows rows, int column, int count, boolean half) {
        try (Arena arena = Arena.ofShared()) {
            long stride = (half ? 2L : 4L) * count;
            MemorySegment to = arena.allocate(stride * OUT, 64);
            rows.decode(0, OUT, column, count, to, stride, half, 2);
            return to.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    @ParameterizedTest
    @EnumSource(GroupRows.Codes.class)
    void vectorsDecodeTheBitsOfThePlainLoop(GroupRows.Codes codes) {
        assumeTrue(VectorKernels.isAvailable());
        try (Arena arena = Arena.ofShared()) {
            GroupRows plain = rows(arena, codes, false);
            GroupRows vectors = rows(arena, codes, true);
            for (boolean half : new boolean[] {false, true}) {
                for (int column : new int[] {0, 64, 72, 128}) {
                    for (int count : new int[] {IN - column, 64, 72}) {
                        assertArrayEquals(
                                decoded(plain, column, count, half),
                                decoded(vectors, column, count, half),
                                codes + " from " + column + ", " + count + " " + half);
                    }
                }
            }
        }
    }

    /// The largest, the smallest, zero, and no number.
    @ParameterizedTest
    @EnumSource(
            value = GroupRows.Codes.class,
            names = {"FLOAT8", "FLOAT4"})
    void floatsAreThoseOfTheirFormat(GroupRows.Codes codes) {
        boolean eight = codes == GroupRows.Codes.FLOAT8;
        try (Arena arena = Arena.ofShared()) {
            int in = 32;
            MemorySegment own = arena.allocate(in, 64);
            byte[] some = eight ? new byte[] {0x7e, 1, 0, 0x7f, (byte) 0xfe} : new byte[] {0x71};
            MemorySegment.copy(some, 0, own, ValueLayout.JAVA_BYTE, 0, some.length);
            MemorySegment scale = arena.allocateFrom(ValueLayout.JAVA_BYTE, (byte) 128);
            var scales = new GroupRows.Scales(scale, GroupRows.Scales.Kind.POWER, 1, in, 1);
            var rows =
                    new GroupRows(
                            own,
                            codes,
                            scales,
                            Optional.empty(),
                            0,
                            Optional.empty(),
                            in,
                            VectorKernels.isAvailable());
            MemorySegment to = arena.allocate(4L * in, 64);
            rows.decode(0, 1, 0, in, to, 4L * in, false, 1);
            float[] found = to.toArray(ValueLayout.JAVA_FLOAT);
            float[] expected =
                    eight ? new float[] {896, 0x1p-8f, 0, Float.NaN, -896} : new float[] {12, 1, 0};
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], found[i]);
            }
        }
    }
}
