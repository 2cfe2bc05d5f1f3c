package org.attune.tensor.vector;

import static org.attune.tensor.vector.KeptNumbers.LANES;
import static org.attune.tensor.vector.KeptNumbers.TOGETHER;

import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

import org.attune.tensor.vector.KeptNumbers.Mix;

import java.nio.ByteOrder;

/// Dropout of rows of bfloat16 numbers: what is dropped becomes zero, the rest stays as it is.
/// Nothing is kept for the backward pass, which draws the same numbers again.
///
/// @param kept which numbers stay
/// @param width numbers of a row, a multiple of [#MULTIPLE]
public record DropoutKernel(KeptNumbers kept, int width) {
    private static final VectorSpecies<Long> LONGS = Vectors.FLOATS.withLanes(long.class);

    /// Numbers that a vector holds.
    public static final int MULTIPLE = TOGETHER * LONGS.length();

    /// Rows of an item of work.
    private static final int CHUNK = 8;

    private static final long QUARTER = 0xffff;

    /// What the random numbers of a vector's elements are made from.
    private static final LongVector STEPS = LongVector.zero(LONGS).addIndex(1).mul(Mix.STEP);

    /// @param x `count` rows
    /// @param out written, `count` rows; may be `x`
    /// @param firstRow number of the first row
    public void run(Rows x, Rows out, int count, long firstRow, int threads) {
        Team.rows(
                threads,
                count,
                CHUNK,
                (_, row) ->
                        keep(kept.rowStream(firstRow + row, width), x.at(row, 0), out.at(row, 0)));
    }

    private void keep(long stream, long x, long out) {
        long carry = kept.carry();
        int longs = width / TOGETHER;
        for (int k = 0; k < longs; k += LONGS.length()) {
            LongVector n = LongVector.broadcast(LONGS, stream + Mix.STEP * k).add(STEPS);
            LongVector ones =
                    mixed(n).and(LANES * (KeptNumbers.ALL - 1))
                            .add(carry)
                            .lanewise(VectorOperators.LSHR, Mix.KEPT)
                            .and(LANES);
            long at = (long) k * Long.BYTES;
            LongVector.fromMemorySegment(LONGS, Vectors.MEMORY, x + at, ByteOrder.nativeOrder())
                    .and(ones.mul(QUARTER))
                    .intoMemorySegment(Vectors.MEMORY, out + at, ByteOrder.nativeOrder());
        }
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
