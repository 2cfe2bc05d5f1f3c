package org.attune.tensor.vector;

import static org.attune.tensor.vector.KeptNumbers.TOGETHER;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;

import org.attune.tensor.vector.KeptNumbers.Mix;

import java.nio.ByteOrder;

/// Dropout of rows of bfloat16 numbers: what is dropped becomes zero, the rest stays as it is.
/// Nothing is kept for the backward pass, which draws the same numbers again.
///
/// @param kept which numbers stay
/// @param width numbers of a row, a multiple of [#MULTIPLE]
public record DropoutKernel(KeptNumbers kept, int width) {
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    /// Numbers that a vector holds.
    public static final int MULTIPLE = TOGETHER * KeptLanes.LONGS.length();

    /// Rows of an item of work.
    private static final int CHUNK = 8;

    private static final long QUARTER = 0xffff;

    /// @param x `count` rows
    /// @param out written, `count` rows; may be `x`
    /// @param firstRow number of the first row
    public void run(Rows x, Rows out, int count, long firstRow, int threads) {
        KernelThreads.run(
                threads,
                (count + CHUNK - 1) / CHUNK,
                (_, item) -> {
                    int row = item * CHUNK;
                    int rows = Math.min(CHUNK, count - row);
                    keep(
                            firstRow + row,
                            0,
                            rows,
                            width,
                            x.at(row, 0),
                            x.stride(),
                            out.at(row, 0),
                            out.stride());
                });
    }

    /// Some columns of some rows.
    ///
    /// @param row number of the first
    /// @param column first, a multiple of [KeptNumbers#TOGETHER]
    /// @param wide columns, a multiple of [#MULTIPLE]
    /// @param x address of the first number
    /// @param xRow bytes from a row to the next
    /// @param out likewise
    /// @param outRow likewise
    void keep(long row, int column, int rows, int wide, long x, long xRow, long out, long outRow) {
        long carry = kept.carry();
        for (int r = 0; r < rows; r++) {
            long stream = kept.stream(row + r, column, width);
            for (int k = 0; k < wide / TOGETHER; k += KeptLanes.LONGS.length()) {
                LongVector ones = KeptLanes.ones(stream + Mix.STEP * k, carry);
                long at = (long) k * Long.BYTES;
                LongVector.fromMemorySegment(
                                KeptLanes.LONGS, Vectors.MEMORY, x + r * xRow + at, ORDER)
                        .and(ones.mul(QUARTER))
                        .intoMemorySegment(Vectors.MEMORY, out + r * outRow + at, ORDER);
            }
        }
    }

    /// Adds what stays of some columns of float32 rows, times a factor.
    ///
    /// @param row number of the first
    /// @param column first, a multiple of [KeptNumbers#TOGETHER]
    /// @param wide columns, a multiple of [Vectors#LANES]
    /// @param from dense rows
    /// @param sum dense rows
    void addKept(long row, int column, int rows, int wide, float factor, long from, long sum) {
        long carry = kept.carry();
        for (int r = 0; r < rows; r++) {
            long stream = kept.stream(row + r, column, width);
            for (int k = 0; k < wide; k += Vectors.LANES) {
                LongVector ones = KeptLanes.halfOnes(stream + Mix.STEP * (k / TOGETHER), carry);
                long at = ((long) r * wide + k) * Float.BYTES;
                FloatVector v = Vectors.load(from + at).mul(factor);
                Vectors.store(Vectors.load(sum + at).add(Vectors.where(ones, v)), sum + at);
            }
        }
    }
}
