package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Vectors of float32 from and to plain memory, whose numbers are float32 or bfloat16. Addresses
/// are native; whoever calls answers for what lies there.
final class Vectors {
    /// Float32 numbers.
    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

    /// Numbers in a vector.
    static final int LANES = FLOATS.length();

    private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    /// All memory: an address is an offset, and the check of bounds costs nothing.
    @SuppressWarnings("restricted")
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final VectorShuffle<Float> BY_8 = partners(8);
    private static final VectorShuffle<Float> BY_4 = partners(4);
    private static final VectorShuffle<Float> BY_2 = partners(2);
    private static final VectorShuffle<Float> BY_1 = partners(1);

    private static final float LOG2_E = 1.44269504f;
    private static final float LN2_HIGH = 0.693145752f;
    private static final float LN2_LOW = 1.42860677e-6f;

    /// Added and subtracted it rounds to whole numbers, and its low bits hold that number.
    private static final float ROUNDER = 12582912f; // 1.5 · 2^23

    private static final float LEAST_EXPONENT = -87f;
    private static final int EXPONENT_BIAS = 127;
    private static final int MANTISSA_BITS = 23;
    private static final int HALF_BITS = 16;
    private static final int ROUND_UP = 0x7fff;
    private static final int HIGH_BITS = 0xffff0000;

    private Vectors() {}

    static float number(long address) {
        return MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
    }

    static void put(float value, long address) {
        MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, value);
    }

    /// Float32 numbers.
    static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ORDER);
    }

    /// The same number in every lane.
    static FloatVector spread(long address) {
        return FloatVector.broadcast(FLOATS, number(address));
    }

    static void store(FloatVector v, long address) {
        v.intoMemorySegment(MEMORY, address, ORDER);
    }

    /// Numbers of a tensor.
    ///
    /// @param half whether they are bfloat16
    static FloatVector load(boolean half, long address) {
        if (!half) {
            return load(address);
        }
        var shorts = ShortVector.fromMemorySegment(SHORTS, MEMORY, address, ORDER);
        var ints = (IntVector) shorts.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
        return ints.lanewise(VectorOperators.LSHL, HALF_BITS).reinterpretAsFloats();
    }

    /// Stores numbers of a tensor, rounded to the nearest, ties to even.
    static void store(boolean half, FloatVector v, long address) {
        if (!half) {
            store(v, address);
            return;
        }
        IntVector bits = rounded(v).lanewise(VectorOperators.LSHR, HALF_BITS);
        var shorts = (ShortVector) bits.convertShape(VectorOperators.I2S, SHORTS, 0);
        shorts.intoMemorySegment(MEMORY, address, ORDER);
    }

    /// Reads a row of a tensor as float32.
    ///
    /// @param count a multiple of [#LANES]
    static void readRow(boolean half, long from, int count, long to) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        for (int k = 0; k < count; k += LANES) {
            store(load(half, from + k * bytes), to + (long) k * Float.BYTES);
        }
    }

    /// Writes a row of float32 times `factor` into a tensor.
    ///
    /// @param count a multiple of [#LANES]
    static void writeRow(long from, float factor, int count, boolean half, long to) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        for (int k = 0; k < count; k += LANES) {
            store(half, load(from + (long) k * Float.BYTES).mul(factor), to + k * bytes);
        }
    }

    /// What [#store] followed by [#load] gives.
    static FloatVector round(boolean half, FloatVector v) {
        return half ? rounded(v).lanewise(VectorOperators.AND, HIGH_BITS).reinterpretAsFloats() : v;
    }

    private static IntVector rounded(FloatVector v) {
        IntVector bits = v.reinterpretAsInts();
        IntVector odd = bits.lanewise(VectorOperators.LSHR, HALF_BITS).and(1);
        // A NaN of large mantissa would overflow into a number: it stays as it is.
        VectorMask<Integer> isNumber = v.test(VectorOperators.IS_NAN).not().cast(INTS);
        return bits.add(odd.add(ROUND_UP), isNumber);
    }

    /// eˣ for x ≤ 0 (and up to 88), relative error below 2e-7; below -87 it is that of -87.
    static FloatVector exp(FloatVector x) {
        FloatVector t = x.blend(LEAST_EXPONENT, x.compare(VectorOperators.LT, LEAST_EXPONENT));
        FloatVector shifted = t.mul(LOG2_E).add(ROUNDER);
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector f = n.fma(FloatVector.broadcast(FLOATS, -LN2_HIGH), t);
        f = n.fma(FloatVector.broadcast(FLOATS, -LN2_LOW), f); // |f| ≤ ln 2 / 2
        FloatVector p = FloatVector.broadcast(FLOATS, 0.0013930436f);
        p = p.fma(f, FloatVector.broadcast(FLOATS, 0.0083330777f));
        p = p.fma(f, FloatVector.broadcast(FLOATS, 0.041665796f));
        p = p.fma(f, FloatVector.broadcast(FLOATS, 0.16666666f));
        p = p.fma(f, FloatVector.broadcast(FLOATS, 0.5f));
        p = p.fma(f, FloatVector.broadcast(FLOATS, 1f));
        p = p.fma(f, FloatVector.broadcast(FLOATS, 1f));
        IntVector power = shifted.reinterpretAsInts().add(EXPONENT_BIAS);
        return p.mul(power.lanewise(VectorOperators.LSHL, MANTISSA_BITS).reinterpretAsFloats());
    }

    /// Sum of all lanes, halves added to halves. The Vector API's own sum has no fixed order: its
    /// bits change when a method is compiled, and with them those of a run that is repeated.
    static float sum(FloatVector v) {
        FloatVector s = v;
        if (LANES > 8) {
            s = s.add(s.rearrange(BY_8));
        }
        if (LANES > 4) {
            s = s.add(s.rearrange(BY_4));
        }
        s = s.add(s.rearrange(BY_2));
        return s.add(s.rearrange(BY_1)).lane(0);
    }

    /// Partners in a sum: lanes that differ in one bit of their number.
    private static VectorShuffle<Float> partners(int distance) {
        return VectorShuffle.fromOp(FLOATS, lane -> lane ^ (distance % LANES));
    }

    /// Lanes that stand before `count`.
    static VectorMask<Float> first(int count) {
        return FLOATS.indexInRange(0, count);
    }
}
