package org.attune.tensor.vector;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/// Loops that decode numbers of few bits in vectors.
final class LevelLoops {
    private static final VectorSpecies<Integer> INTS = Vectors.FLOATS.withLanes(int.class);
    private static final Class<? extends IntVector> INT_TYPE = IntVector.zero(INTS).getClass();
    private static final int LANES = Vectors.LANES;

    /// Bytes, as many as there are lanes, or more where a vector can't be that short.
    private static final VectorSpecies<Byte> CODES =
            VectorSpecies.of(
                    byte.class,
                    VectorShape.forBitSize(Math.max(64, Vectors.FLOATS.vectorBitSize() / 4)));

    /// Numbers of 4 bits that are decoded at once.
    static final int NUMBERS = 2 * Math.max(LANES, 8);

    /// Numbers of a byte that are decoded at once.
    static final int BYTES = Math.max(LANES, 8);

    private static final int BITS = 4;
    private static final int CODE = 15;

    private static final int HALF_BITS = 16;
    private static final int HIGH_BITS = 0xffff0000;

    private static final int REST = 0x7f; // of a byte, without its sign; all of it set: no number
    private static final int SIGN = 0x8000_0000;
    private static final int MOVED = 20; // between the mantissas
    private static final float POWER = 0x1p120f; // between the exponents' middles

    /// Where eight codes stand in four bytes.
    private static final IntVector PLACES =
            INT_TYPE.cast(
                    IntVector.fromArray(
                            INTS,
                            IntStream.range(0, LANES).map(i -> (i ^ 1) % 8 * BITS).toArray(),
                            0));

    private static final VectorShuffle<Float> FIRST = zip(0);
    private static final VectorShuffle<Float> SECOND = zip(LANES / 2);

    private LevelLoops() {}

    /// Numbers of two vectors in turn.
    private static VectorShuffle<Float> zip(int from) {
        return VectorShuffle.fromOp(Vectors.FLOATS, i -> from + i / 2 + i % 2 * LANES);
    }

    /// Whether levels fit into one vector, or into two: others have no loops here.
    static boolean serves() {
        return LANES == LevelRows.LEVELS || 2 * LANES == LevelRows.LEVELS;
    }

    private static IntVector ints(long address) {
        var codes =
                ByteVector.fromMemorySegment(
                        CODES, Vectors.MEMORY, address, ByteOrder.nativeOrder());
        return INT_TYPE.cast(codes.convertShape(VectorOperators.B2I, INTS, 0));
    }

    /// Four bytes, repeated in all lanes.
    private static IntVector spread(long address) {
        int bytes = Vectors.MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, address);
        return INT_TYPE.cast(IntVector.broadcast(INTS, bytes));
    }

    /// Levels times a size as float32 bits, rounded where bfloat16 is wanted.
    private static IntVector table(FloatVector levels, float size, boolean half) {
        FloatVector own = Vectors.exact(levels).mul(size);
        return half ? Vectors.rounded(own) : Vectors.bits(own);
    }

    /// Decodes numbers of blocks, or of a part of each.
    ///
    /// @param codes address of the first, in the upper half of its byte
    /// @param step bytes from a block to the next
    /// @param count numbers of each, a multiple of [#NUMBERS]
    /// @param sizes of the blocks
    /// @param to written
    /// @param toStep bytes from a block to the next
    static void blocks(
            long codes,
            long step,
            int blocks,
            int count,
            float[] levels,
            float[] sizes,
            boolean half,
            long to,
            long toStep) {
        FloatVector lower = FloatVector.fromArray(Vectors.FLOATS, levels, 0);
        FloatVector upper =
                LANES < LevelRows.LEVELS
                        ? FloatVector.fromArray(Vectors.FLOATS, levels, LANES)
                        : lower;
        int bytes = half ? Short.BYTES : Float.BYTES;
        for (int n = 0; n < blocks; n++) {
            IntVector low = table(lower, sizes[n], half);
            IntVector high = LANES < LevelRows.LEVELS ? table(upper, sizes[n], half) : low;
            long from = codes + n * step;
            long out = to + n * toStep;
            if (LANES == 8 && !half) {
                for (int i = 0; i < count; i += LANES) {
                    IntVector own =
                            INT_TYPE.cast(
                                    spread(from + i / 2).lanewise(VectorOperators.LSHR, PLACES));
                    IntVector eight = levels(own.and(CODE), low, high);
                    Vectors.store(
                            Vectors.exact(eight.reinterpretAsFloats()),
                            out + (long) i * Float.BYTES);
                }
                continue;
            }
            for (int i = 0; i < count; i += 2 * LANES) {
                IntVector two = ints(from + i / 2);
                IntVector first =
                        levels(two.lanewise(VectorOperators.LSHR, BITS).and(CODE), low, high);
                IntVector second = levels(two.and(CODE), low, high);
                long at = out + (long) i * bytes;
                if (half) {
                    Vectors.storePairs(first, second, at);
                } else {
                    FloatVector a = Vectors.exact(first.reinterpretAsFloats());
                    FloatVector b = Vectors.exact(second.reinterpretAsFloats());
                    Vectors.store(a.rearrange(FIRST, b), at);
                    Vectors.store(a.rearrange(SECOND, b), at + (long) LANES * Float.BYTES);
                }
            }
        }
    }

    /// Decodes the same columns of neighbouring rows to bfloat16, two rows side by side, number by
    /// number. There must be a lane for each level.
    ///
    /// @param codes address of the first row's, in the upper half of its byte
    /// @param step bytes from a row to the next
    /// @param rows even
    /// @param count columns of one block, a multiple of [#NUMBERS]
    /// @param sizes of each row's block
    /// @param to written, `(rows / 2, count, 2)`
    static void pairs(
            long codes, long step, int rows, int count, float[] levels, float[] sizes, long to) {
        FloatVector all = FloatVector.fromArray(Vectors.FLOATS, levels, 0);
        for (int r = 0; r < rows; r += 2) {
            IntVector low = INT_TYPE.cast(table(all, sizes[r], true));
            low = INT_TYPE.cast(low.lanewise(VectorOperators.LSHR, HALF_BITS));
            IntVector high = INT_TYPE.cast(table(all, sizes[r + 1], true).and(HIGH_BITS));
            long from = codes + r * step;
            long out = to + (long) r * count * Short.BYTES;
            for (int i = 0; i < count; i += 2 * LANES) {
                IntVector one = ints(from + i / 2);
                IntVector two = ints(from + step + i / 2);
                IntVector even =
                        levels(one.lanewise(VectorOperators.LSHR, BITS).and(CODE), low, low)
                                .or(
                                        levels(
                                                two.lanewise(VectorOperators.LSHR, BITS).and(CODE),
                                                high,
                                                high));
                IntVector odd =
                        levels(one.and(CODE), low, low).or(levels(two.and(CODE), high, high));
                FloatVector a = Vectors.exact(INT_TYPE.cast(even).reinterpretAsFloats());
                FloatVector b = Vectors.exact(INT_TYPE.cast(odd).reinterpretAsFloats());
                long at = out + (long) i * Float.BYTES;
                Vectors.store(a.rearrange(FIRST, b), at);
                Vectors.store(a.rearrange(SECOND, b), at + (long) LANES * Float.BYTES);
            }
        }
    }

    /// Whether [#pairs] serves.
    static boolean servesPairs() {
        return LANES == LevelRows.LEVELS;
    }

    private static IntVector levels(IntVector codes, IntVector low, IntVector high) {
        IntVector own = INT_TYPE.cast(codes);
        if (LANES == LevelRows.LEVELS) {
            return INT_TYPE.cast(own.selectFrom(INT_TYPE.cast(low)));
        }
        IntVector place = own.and(LANES - 1);
        IntVector below = INT_TYPE.cast(place.selectFrom(INT_TYPE.cast(low)));
        IntVector above = INT_TYPE.cast(place.selectFrom(INT_TYPE.cast(high)));
        return INT_TYPE.cast(below.blend(above, own.compare(VectorOperators.GE, LANES)));
    }

    /// Decodes whole numbers of a byte, times two factors one after the other.
    ///
    /// @param count a multiple of [#BYTES]
    /// @param to written
    static void bytes(long codes, int count, float size, float share, boolean half, long to) {
        int bytes = half ? Short.BYTES : Float.BYTES;
        for (int i = 0; i < count; i += LANES) {
            var wide = ints(codes + i).convertShape(VectorOperators.I2F, Vectors.FLOATS, 0);
            FloatVector own = Vectors.exact((FloatVector) wide).mul(size).mul(share);
            Vectors.store(half, own, to + (long) i * bytes);
        }
    }

    /// Decodes whole numbers of a byte: less a zero, times a factor.
    ///
    /// @param count a multiple of [#BYTES]
    /// @param to written
    static void above(long codes, int count, float zero, float size, boolean half, long to) {
        int bytes = half ? Short.BYTES : Float.BYTES;
        for (int i = 0; i < count; i += LANES) {
            var wide = ints(codes + i).convertShape(VectorOperators.I2F, Vectors.FLOATS, 0);
            FloatVector own = Vectors.exact((FloatVector) wide).sub(zero).mul(size);
            Vectors.store(half, own, to + (long) i * bytes);
        }
    }

    /// Decodes numbers of a sign, four bits of exponent and three of mantissa, times a factor.
    /// Their bits, moved to where a float32 has them, are the number times a power of two.
    ///
    /// @param count a multiple of [#BYTES]
    /// @param to written
    static void floats(long codes, int count, float size, boolean half, long to) {
        int bytes = half ? Short.BYTES : Float.BYTES;
        for (int i = 0; i < count; i += LANES) {
            IntVector code = ints(codes + i);
            IntVector least = INT_TYPE.cast(code.and(REST).lanewise(VectorOperators.LSHL, MOVED));
            IntVector sign = INT_TYPE.cast(code.and(SIGN));
            FloatVector own =
                    Vectors.exact(least.or(sign).reinterpretAsFloats()).mul(POWER).mul(size);
            FloatVector all = own.blend(Float.NaN, code.and(REST).eq(REST).cast(Vectors.FLOATS));
            Vectors.store(half, Vectors.exact(all), to + (long) i * bytes);
        }
    }
}
