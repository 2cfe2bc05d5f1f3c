package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
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
/// are native; callers must know that the memory is theirs.
///
/// A kernel must stay small: the JVM's compiler stops inlining in a method that has grown to 18,000
/// nodes, each operation on a vector is some hundred (a load of bfloat16 2000, [#exp] 7500), and a
/// vector that is handed to a method which was not inlined is allocated. Such a kernel runs ten
/// times slower. Hence loops stand in their own methods, which take and return plain numbers;
/// the launcher tells the compiler never to inline those, and always to inline what is here
/// (`cli/src/main/dist/launch.conf`). And operations are called on vectors whose class the compiler
/// knows, see [#exact(FloatVector)].
final class Vectors {
    /// Float32 numbers.
    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

    /// Numbers in a vector.
    static final int LANES = FLOATS.length();

    private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);

    /// Half as many bits: as many bfloat16 numbers.
    static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    /// All memory: an address is an offset, and the check of bounds costs nothing.
    @SuppressWarnings("restricted")
    static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final Class<? extends FloatVector> FLOAT_TYPE =
            FloatVector.zero(FLOATS).getClass();
    private static final Class<? extends IntVector> INT_TYPE = IntVector.zero(INTS).getClass();
    private static final Class<? extends ShortVector> SHORT_TYPE =
            ShortVector.zero(SHORTS).getClass();

    private static final VectorShuffle<Float> BY_8 = partners(8);
    private static final VectorShuffle<Float> BY_4 = partners(4);
    private static final VectorShuffle<Float> BY_2 = partners(2);
    private static final VectorShuffle<Float> BY_1 = partners(1);

    private static final FloatVector ONE = all(1);
    private static final FloatVector LOG2_E = all(1.44269504f);
    private static final FloatVector MINUS_LN2_HIGH = all(-0.693145752f);
    private static final FloatVector MINUS_LN2_LOW = all(-1.42860677e-6f);

    /// Coefficients of eˣ on |x| ≤ ln 2 / 2, from the second power on.
    private static final FloatVector EXP_2 = all(0.5f);
    private static final FloatVector EXP_3 = all(0.16666666f);
    private static final FloatVector EXP_4 = all(0.041665796f);
    private static final FloatVector EXP_5 = all(0.0083330777f);
    private static final FloatVector EXP_6 = all(0.0013930436f);

    /// Coefficients of 2ˣ on |x| ≤ 1/2, whose greatest relative error is least.
    private static final FloatVector EXP2_1 = all(0.6931470f);
    private static final FloatVector EXP2_2 = all(0.24022242f);
    private static final FloatVector EXP2_3 = all(0.055507336f);
    private static final FloatVector EXP2_4 = all(0.009671513f);
    private static final FloatVector EXP2_5 = all(0.0013264727f);

    /// Added and subtracted it rounds to whole numbers, and its low bits hold that number.
    private static final FloatVector ROUNDER = all(12582912f); // 1.5 · 2^23

    private static final float LEAST_EXPONENT = -87f;
    private static final float LEAST_POWER = -126f;
    private static final float MOST_EXPONENT = 88f;
    private static final int EXPONENT_BIAS = 127;
    private static final int MANTISSA_BITS = 23;
    private static final int HALF_BITS = 16;
    private static final int ROUND_UP = 0x7fff;
    private static final int HALF_OF_LAST = 0x8000;
    private static final int HIGH_BITS = 0xffff0000;

    private Vectors() {}

    /// Tells the compiler the class of a vector. Without it the compiler inlines only methods that
    /// it has often seen called, and a kernel compiled early allocates its vectors for good. What
    /// [#load] gives, and what is computed from that, doesn't need it; a vector that a loop carries
    /// from one round to the next does, if something is called on it. What stands here casts by
    /// itself: every method that is inlined adds to the nodes.
    static FloatVector exact(FloatVector v) {
        return FLOAT_TYPE.cast(v);
    }

    private static IntVector exact(IntVector v) {
        return INT_TYPE.cast(v);
    }

    private static FloatVector floats(IntVector bits) {
        return FLOAT_TYPE.cast(bits.reinterpretAsFloats());
    }

    static IntVector bits(FloatVector v) {
        return INT_TYPE.cast(FLOAT_TYPE.cast(v).reinterpretAsInts());
    }

    private static ShortVector shorts(long address) {
        return ShortVector.fromMemorySegment(SHORTS, MEMORY, address, ORDER);
    }

    static FloatVector zero() {
        return FLOAT_TYPE.cast(FloatVector.zero(FLOATS));
    }

    static FloatVector all(float value) {
        return FLOAT_TYPE.cast(FloatVector.broadcast(FLOATS, value));
    }

    static float number(long address) {
        return MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
    }

    static void put(float value, long address) {
        MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, value);
    }

    /// A number of a tensor.
    static float number(boolean half, long address) {
        if (!half) {
            return number(address);
        }
        short bits = MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address);
        return Float.intBitsToFloat(bits << HALF_BITS);
    }

    /// Puts a number into a tensor, rounded to the nearest, ties to even.
    static void put(boolean half, float value, long address) {
        if (!half) {
            put(value, address);
            return;
        }
        MEMORY.set(
                ValueLayout.JAVA_SHORT_UNALIGNED, address, (short) (rounded(value) >>> HALF_BITS));
    }

    /// The nearest bfloat16 number, ties to even.
    static float round(float value) {
        return Float.intBitsToFloat(rounded(value) & HIGH_BITS);
    }

    /// Bits whose upper half is the nearest bfloat16 number.
    private static int rounded(float value) {
        int bits = Float.floatToIntBits(value);
        return bits + ROUND_UP + (bits >>> HALF_BITS & 1);
    }

    /// Float32 numbers.
    static FloatVector load(long address) {
        return FLOAT_TYPE.cast(FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ORDER));
    }

    /// Float32 numbers to go on from, or zeros.
    static FloatVector begin(boolean add, long address) {
        return add ? load(address) : zero();
    }

    /// Loads one number into every lane.
    static FloatVector spread(long address) {
        return FloatVector.broadcast(FLOATS, number(address));
    }

    static void store(FloatVector v, long address) {
        FLOAT_TYPE.cast(v).intoMemorySegment(MEMORY, address, ORDER);
    }

    /// Numbers of a tensor.
    ///
    /// @param half whether they are bfloat16
    static FloatVector load(boolean half, long address) {
        if (!half) {
            return load(address);
        }
        var wide = shorts(address).convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
        IntVector ints = INT_TYPE.cast(wide).lanewise(VectorOperators.LSHL, HALF_BITS);
        return FLOAT_TYPE.cast(ints.reinterpretAsFloats());
    }

    /// The first numbers of pairs of bfloat16 numbers.
    static FloatVector firstOfPairs(long address) {
        IntVector pairs = INT_TYPE.cast(IntVector.fromMemorySegment(INTS, MEMORY, address, ORDER));
        IntVector ints = pairs.lanewise(VectorOperators.LSHL, HALF_BITS);
        return FLOAT_TYPE.cast(ints.reinterpretAsFloats());
    }

    /// Stores numbers of a tensor, rounded to the nearest, ties to even.
    static void store(boolean half, FloatVector v, long address) {
        if (!half) {
            store(v, address);
            return;
        }
        storeUpper(rounded(v), address);
    }

    /// Copies bfloat16 numbers, as many as there are lanes.
    static void copy(long from, long to) {
        SHORT_TYPE.cast(shorts(from)).intoMemorySegment(MEMORY, to, ORDER);
    }

    /// Float32 bits, of which the upper half is the nearest bfloat16 number, ties away from zero:
    /// half the work of [#store].
    static IntVector nearest(FloatVector v) {
        return bits(v).add(HALF_OF_LAST);
    }

    /// Stores the upper halves as bfloat16 numbers.
    static void storeUpper(IntVector bits, long address) {
        IntVector upper = exact(bits).lanewise(VectorOperators.LSHR, HALF_BITS);
        var narrow = upper.convertShape(VectorOperators.I2S, SHORTS, 0);
        SHORT_TYPE.cast(narrow).intoMemorySegment(MEMORY, address, ORDER);
    }

    /// Stores pairs of bfloat16 numbers: the upper halves of `low` and of `high` in turn.
    static void storePairs(IntVector low, IntVector high, long address) {
        IntVector pairs =
                exact(low)
                        .lanewise(VectorOperators.LSHR, HALF_BITS)
                        .or(exact(high).lanewise(VectorOperators.AND, HIGH_BITS));
        pairs.intoMemorySegment(MEMORY, address, ORDER);
    }

    /// Stores the upper halves of `bits` beside others.
    ///
    /// @param shift 16 for the first halves of pairs, 0 for the second
    /// @param kept bits of what is there that stay
    static void addToPairs(IntVector bits, int shift, int kept, long address) {
        IntVector there = IntVector.fromMemorySegment(INTS, MEMORY, address, ORDER);
        IntVector half = exact(bits).and(HIGH_BITS).lanewise(VectorOperators.LSHR, shift);
        half.or(there.and(kept)).intoMemorySegment(MEMORY, address, ORDER);
    }

    /// What [#store] followed by [#load] gives.
    static FloatVector round(boolean half, FloatVector v) {
        return half ? floats(rounded(v).lanewise(VectorOperators.AND, HIGH_BITS)) : v;
    }

    /// A NaN whose low bits are all ones would overflow into a number. Operations on bfloat16
    /// numbers give none: they hand the NaN of an operand on, whose low bits are zeros, or the
    /// processor's.
    static IntVector rounded(FloatVector v) {
        IntVector bits = bits(v);
        IntVector odd = bits.lanewise(VectorOperators.LSHR, HALF_BITS).and(1);
        return bits.add(odd.add(ROUND_UP));
    }

    /// eˣ for x ≤ 88, relative error below 2e-7; below -87 it is that of -87.
    static FloatVector exp(FloatVector x) {
        FloatVector t = x.blend(LEAST_EXPONENT, x.compare(VectorOperators.LT, LEAST_EXPONENT));
        FloatVector shifted = t.fma(LOG2_E, ROUNDER);
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector f = n.fma(MINUS_LN2_HIGH, t);
        f = n.fma(MINUS_LN2_LOW, f); // |f| ≤ ln 2 / 2
        FloatVector p = EXP_6.fma(f, EXP_5);
        p = p.fma(f, EXP_4);
        p = p.fma(f, EXP_3);
        p = p.fma(f, EXP_2);
        p = p.fma(f, ONE);
        p = p.fma(f, ONE);
        IntVector power = bits(shifted).add(EXPONENT_BIAS);
        return p.mul(floats(power.lanewise(VectorOperators.LSHL, MANTISSA_BITS)));
    }

    /// 2ˣ for x < 128, relative error below 2e-7; below -126 it is that of -126.
    static FloatVector exp2(FloatVector x) {
        FloatVector t = x.blend(LEAST_POWER, x.compare(VectorOperators.LT, LEAST_POWER));
        FloatVector shifted = t.add(ROUNDER);
        FloatVector f = t.sub(shifted.sub(ROUNDER)); // |f| ≤ 1/2
        FloatVector p = EXP2_5.fma(f, EXP2_4);
        p = p.fma(f, EXP2_3);
        p = p.fma(f, EXP2_2);
        p = p.fma(f, EXP2_1);
        p = p.fma(f, ONE);
        // The low bits of `shifted` are the power; those above are shifted out.
        IntVector power = bits(shifted).lanewise(VectorOperators.LSHL, MANTISSA_BITS);
        return floats(bits(p).add(power));
    }

    /// `1 / (1 + e⁻ˣ)`.
    static FloatVector sigmoid(FloatVector x) {
        FloatVector t = x.neg();
        t = t.blend(MOST_EXPONENT, t.compare(VectorOperators.GT, MOST_EXPONENT));
        return ONE.div(exp(t).add(ONE));
    }

    /// Numbers where quarters of others hold a one, and zeros where they hold none.
    ///
    /// @param ones of half as many bits as `v`; all other bits are zeros
    static FloatVector where(LongVector ones, FloatVector v) {
        var wide = SHORT_TYPE.cast(ones.reinterpretAsShorts());
        var mask = INT_TYPE.cast(wide.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)).neg();
        return floats(bits(v).and(mask));
    }

    /// Sum of all lanes, halves added to halves. The Vector API's own sum has no fixed order: its
    /// bits change when a method is compiled, and with them those of a run that is repeated.
    static float sum(FloatVector v) {
        FloatVector s = exact(v);
        if (LANES > 8) {
            s = s.add(s.rearrange(BY_8));
        }
        if (LANES > 4) {
            s = s.add(s.rearrange(BY_4));
        }
        s = s.add(s.rearrange(BY_2));
        return s.add(s.rearrange(BY_1)).lane(0);
    }

    /// Sums of halves: lanes whose number lacks the bit `distance` hold those of `a`, the others
    /// those of `b`, each of two lanes that differ in that bit. Applied with every bit, it makes
    /// one vector of the sums of as many vectors as there are lanes.
    static FloatVector halves(
            FloatVector a, FloatVector b, VectorMask<Float> second, VectorShuffle<Float> partner) {
        FloatVector x = exact(a);
        FloatVector y = exact(b);
        return x.blend(y, second).add(y.blend(x, second).rearrange(partner));
    }

    /// Lanes whose number has the bit `distance`.
    static VectorMask<Float> second(int distance) {
        return VectorMask.fromLong(FLOATS, secondBits(distance));
    }

    private static long secondBits(int distance) {
        long bits = 0;
        for (int lane = 0; lane < LANES; lane++) {
            bits |= (lane & distance) != 0 ? 1L << lane : 0;
        }
        return bits;
    }

    /// Partners in a sum: lanes that differ in one bit of their number.
    static VectorShuffle<Float> partners(int distance) {
        return VectorShuffle.fromOp(FLOATS, lane -> lane ^ (distance % LANES));
    }
}
