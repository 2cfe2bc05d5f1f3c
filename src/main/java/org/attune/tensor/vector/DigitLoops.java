package org.attune.tensor.vector;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

import java.nio.ByteOrder;

/// Loops around [DigitProduct]'s products. Counts are multiples of [Vectors#LANES], of which there
/// are at least eight.
final class DigitLoops {
    private static final VectorSpecies<Integer> INTS = Vectors.FLOATS.withLanes(int.class);
    private static final Class<? extends IntVector> INT_TYPE = IntVector.zero(INTS).getClass();
    private static final int LANES = Vectors.LANES;
    private static final int FLOAT = Float.BYTES;

    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(
                    byte.class,
                    VectorShape.forBitSize(Math.max(64, Vectors.FLOATS.vectorBitSize() / 4)));

    private static final VectorSpecies<Byte> BLOCK = ByteVector.SPECIES_128;
    private static final int QUAD = Integer.BYTES;

    /// Of four rows of four bytes, columns.
    private static final VectorShuffle<Byte> TURN =
            VectorShuffle.fromOp(BLOCK, i -> i % QUAD * QUAD + i / QUAD);

    /// Added to a number, it rounds it to a whole one, whose 16 bits are the lowest then; both
    /// their bytes stand 128 above what they mean.
    private static final float ROUNDER = 12582912f + 0x8080; // 1.5 · 2^23 and the two 128s

    private static final int DIGIT_BITS = 8;
    private static final float BASE = 256;

    private DigitLoops() {}

    /// The largest size of a row's numbers; NaN if one of them is.
    static float largest(long x, int count) {
        FloatVector most = Vectors.zero();
        for (int i = 0; i < count; i += LANES) {
            most = Vectors.load(x + (long) i * FLOAT).abs().max(most);
        }
        return Vectors.exact(most).reduceLanes(VectorOperators.MAX);
    }

    /// Writes a row's numbers times others.
    static void scale(long x, long factors, int count, long to) {
        for (int i = 0; i < count; i += LANES) {
            long at = (long) i * FLOAT;
            Vectors.store(Vectors.load(x + at).mul(Vectors.load(factors + at)), to + at);
        }
    }

    /// Writes the two digits of a row's numbers times a factor, rounded to whole numbers, ties to
    /// even.
    static void split(long x, int count, float factor, long high, long low) {
        FloatVector f = Vectors.all(factor);
        FloatVector r = Vectors.all(ROUNDER);
        for (int i = 0; i < count; i += LANES) {
            IntVector v = Vectors.bits(Vectors.load(x + (long) i * FLOAT).fma(f, r));
            v.convertShape(VectorOperators.I2B, BYTES, 0)
                    .reinterpretAsBytes()
                    .intoMemorySegment(Vectors.MEMORY, low + i, ByteOrder.nativeOrder());
            INT_TYPE.cast(v.lanewise(VectorOperators.LSHR, DIGIT_BITS))
                    .convertShape(VectorOperators.I2B, BYTES, 0)
                    .reinterpretAsBytes()
                    .intoMemorySegment(Vectors.MEMORY, high + i, ByteOrder.nativeOrder());
        }
    }

    private static IntVector ints(long address) {
        return INT_TYPE.cast(
                IntVector.fromMemorySegment(
                        INTS, Vectors.MEMORY, address, ByteOrder.nativeOrder()));
    }

    private static FloatVector floats(IntVector whole) {
        return Vectors.exact(
                (FloatVector)
                        INT_TYPE.cast(whole).convertShape(VectorOperators.I2F, Vectors.FLOATS, 0));
    }

    /// Writes products of rows as float32: `(256 (high − sum) + low − sum) · scale · row's scale`.
    ///
    /// @param c int32 `(rows, 2, wide)`: of each row's high digits, and of its low ones
    /// @param rowScales float32 `(rows)`
    /// @param scales float32 `(wide)`
    /// @param sums int32 `(wide)`: what the digits' 128s add
    static void finish(
            long c,
            int rows,
            int wide,
            long rowScales,
            long scales,
            long sums,
            long out,
            long outRow) {
        for (int r = 0; r < rows; r++) {
            float own = Vectors.number(rowScales + (long) r * FLOAT);
            long high = c + 2L * r * wide * FLOAT;
            long low = high + (long) wide * FLOAT;
            for (int k = 0; k < wide; k += LANES) {
                long at = (long) k * FLOAT;
                IntVector sum = ints(sums + at);
                FloatVector h = floats(ints(high + at).sub(sum));
                FloatVector l = floats(ints(low + at).sub(sum));
                FloatVector y = h.fma(Vectors.all(BASE), l).mul(Vectors.load(scales + at));
                Vectors.store(y.mul(own), out + r * outRow + at);
            }
        }
    }

    /// Adds products of rows and a small matrix to rows, four at a time.
    ///
    /// @param u float32 `(rows, rank)`, rows `uRow` bytes apart
    /// @param matrix float32 `(rank, wide)`
    static void addFours(
            long u, long uRow, int rows, int rank, int wide, long matrix, long to, long toRow) {
        for (int r = 0; r < rows; r += 4) {
            long first = u + r * uRow;
            long out = to + r * toRow;
            for (int k = 0; k < wide; k += LANES) {
                FloatVector s0 = Vectors.zero();
                FloatVector s1 = s0;
                FloatVector s2 = s0;
                FloatVector s3 = s0;
                for (int i = 0; i < rank; i++) {
                    FloatVector b = Vectors.load(matrix + ((long) i * wide + k) * FLOAT);
                    long at = first + (long) i * FLOAT;
                    s0 = b.fma(Vectors.spread(at), s0);
                    s1 = b.fma(Vectors.spread(at + uRow), s1);
                    s2 = b.fma(Vectors.spread(at + 2 * uRow), s2);
                    s3 = b.fma(Vectors.spread(at + 3 * uRow), s3);
                }
                long at = out + (long) k * FLOAT;
                Vectors.store(Vectors.load(at).add(s0), at);
                Vectors.store(Vectors.load(at + toRow).add(s1), at + toRow);
                Vectors.store(Vectors.load(at + 2 * toRow).add(s2), at + 2 * toRow);
                Vectors.store(Vectors.load(at + 3 * toRow).add(s3), at + 3 * toRow);
            }
        }
    }

    /// Adds the product of a row and a small matrix to a row.
    static void addOne(long u, int rank, int wide, long matrix, long to) {
        for (int k = 0; k < wide; k += LANES) {
            FloatVector sum = Vectors.zero();
            for (int i = 0; i < rank; i++) {
                FloatVector b = Vectors.load(matrix + ((long) i * wide + k) * FLOAT);
                sum = b.fma(Vectors.spread(u + (long) i * FLOAT), sum);
            }
            long at = to + (long) k * FLOAT;
            Vectors.store(Vectors.load(at).add(sum), at);
        }
    }

    /// Adds rows to others.
    static void add(long from, long fromRow, int rows, int wide, long to, long toRow) {
        for (int r = 0; r < rows; r++) {
            for (int k = 0; k < wide; k += LANES) {
                long at = to + r * toRow + (long) k * FLOAT;
                FloatVector other = Vectors.load(from + r * fromRow + (long) k * FLOAT);
                Vectors.store(Vectors.load(at).add(other), at);
            }
        }
    }

    /// Turns a part of a panel: of four columns side by side it makes four rows.
    ///
    /// @param from bytes `(quads, rows, 4)`, a quad `fromQuad` bytes behind the one before
    /// @param rows a multiple of four
    /// @param to bytes `(rows / 4, 4 · quads, 4)`, four rows `toQuad` bytes behind those before
    static void turn(long from, long fromQuad, int quads, int rows, long to, long toQuad) {
        for (int q = 0; q < quads; q++) { // as they stand in memory
            for (int r = 0; r < rows; r += QUAD) {
                turnBlock(
                        from + q * fromQuad + (long) r * QUAD,
                        to + (long) r / QUAD * toQuad + (long) q * QUAD * QUAD);
            }
        }
    }

    private static void turnBlock(long from, long to) {
        ByteVector.fromMemorySegment(BLOCK, Vectors.MEMORY, from, ByteOrder.nativeOrder())
                .rearrange(TURN)
                .intoMemorySegment(Vectors.MEMORY, to, ByteOrder.nativeOrder());
    }
}
