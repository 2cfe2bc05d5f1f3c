package org.attune.tensor.vector;

import static org.attune.tensor.vector.KeptNumbers.LANES;

import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

import org.attune.tensor.vector.KeptNumbers.Mix;

/// [KeptNumbers] as vectors: the lowest bit of each quarter of a number is set where dropout keeps
/// a number. All methods are inlined, see [Vectors].
final class KeptLanes {
    static final VectorSpecies<Long> LONGS = Vectors.FLOATS.withLanes(long.class);

    /// Vectors of half as many bits: one decides about as many numbers as a vector of float32 has.
    private static final VectorSpecies<Long> HALVES = Vectors.SHORTS.withLanes(long.class);

    private static final Class<? extends LongVector> LONG_TYPE = LongVector.zero(LONGS).getClass();
    private static final Class<? extends LongVector> HALF_TYPE = LongVector.zero(HALVES).getClass();

    /// What the random numbers of a vector's elements are made from.
    private static final LongVector STEPS = LongVector.zero(LONGS).addIndex(1).mul(Mix.STEP);

    private static final LongVector HALF_STEPS = LongVector.zero(HALVES).addIndex(1).mul(Mix.STEP);

    private KeptLanes() {}

    /// @param stream [KeptNumbers#stream] of the first number
    /// @param carry [KeptNumbers#carry]
    static LongVector ones(long stream, long carry) {
        LongVector n = LONG_TYPE.cast(LongVector.broadcast(LONGS, stream)).add(STEPS);
        return LONG_TYPE.cast(kept(mixed(n), carry));
    }

    /// Bits of the numbers that dropout keeps, as many as half a vector holds.
    static LongVector halfOnes(long stream, long carry) {
        LongVector n = HALF_TYPE.cast(LongVector.broadcast(HALVES, stream)).add(HALF_STEPS);
        return HALF_TYPE.cast(kept(mixed(n), carry));
    }

    private static LongVector kept(LongVector random, long carry) {
        return random.and(LANES * (KeptNumbers.ALL - 1))
                .add(carry)
                .lanewise(VectorOperators.LSHR, Mix.KEPT)
                .and(LANES);
    }

    /// [KeptNumbers#mixed].
    private static LongVector mixed(LongVector n) {
        LongVector z = shifted(n, Mix.FIRST).mul(Mix.TIMES);
        z = shifted(z, Mix.SECOND).mul(Mix.TIMES_AGAIN);
        return shifted(z, Mix.THIRD);
    }

    private static LongVector shifted(LongVector n, int bits) {
        return n.lanewise(VectorOperators.LSHR, bits).lanewise(VectorOperators.XOR, n);
    }
}
