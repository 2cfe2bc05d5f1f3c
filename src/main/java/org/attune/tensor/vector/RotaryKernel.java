package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// Rotary position embedding of rows of heads, where they stand
/// ([Su et al. 2021, Eq. 34](https://arxiv.org/abs/2104.09864), in the form that rotates halves).
/// The first heads, the queries, are multiplied by the attention scale as well.
///
/// @param queries heads that are scaled
/// @param keys heads behind them that are rotated only
/// @param headDim features of a head
/// @param rotary features of a head that are rotated, the first
/// @param scale factor of the queries
/// @param cos address of float32 `(N, rotary / 2)`
/// @param sin likewise
public record RotaryKernel(
        int queries, int keys, int headDim, int rotary, float scale, long cos, long sin) {
    /// Rows of an item of work.
    private static final int CHUNK = 64;

    private static final int LANES = Vectors.LANES;

    /// Rotates `count` rows.
    ///
    /// @param back whether to take the gradient of rotated heads back to that of the heads
    public void rotate(Rows rows, int count, boolean back, int threads) {
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (_, row) -> {
                    for (int head = 0; head < queries + keys; head++) {
                        float factor = head < queries ? scale : 1;
                        rotate(rows, row, head * headDim, factor, back);
                    }
                });
    }

    /// Rotates one head of a row.
    ///
    /// @param column of its first feature
    /// @param factor by which it is multiplied
    void rotate(Rows rows, int row, int column, float factor, boolean back) {
        boolean half = rows.half();
        int middle = rotary / 2;
        long angles = (long) row * middle * Float.BYTES;
        int whole = middle - middle % LANES;
        for (int k = 0; k < whole; k += LANES) {
            long first = rows.at(row, column + k);
            long second = rows.at(row, column + middle + k);
            long angle = angles + (long) k * Float.BYTES;
            FloatVector c = Vectors.load(cos + angle).mul(factor);
            FloatVector s = Vectors.load(sin + angle).mul(back ? -factor : factor);
            FloatVector a = Vectors.load(half, first);
            FloatVector b = Vectors.load(half, second);
            Vectors.store(half, a.mul(c).sub(b.mul(s)), first);
            Vectors.store(half, b.mul(c).add(a.mul(s)), second);
        }
        if (whole < middle) {
            rest(rows, row, column, whole, factor, back);
        }
        for (int k = rotary; k < headDim && factor != 1; k += LANES) {
            long at = rows.at(row, column + k);
            Vectors.store(half, Vectors.load(half, at).mul(factor), at);
        }
    }

    /// What [#rotate] does with features that fill no vector.
    ///
    /// @param first of a half's
    private void rest(Rows rows, int row, int column, int first, float factor, boolean back) {
        boolean half = rows.half();
        int middle = rotary / 2;
        for (int k = first; k < middle; k++) {
            long angle = ((long) row * middle + k) * Float.BYTES;
            float c = Vectors.number(cos + angle) * factor;
            float s = Vectors.number(sin + angle) * (back ? -factor : factor);
            float a = Vectors.number(half, rows.at(row, column + k));
            float b = Vectors.number(half, rows.at(row, column + middle + k));
            Vectors.put(half, a * c - b * s, rows.at(row, column + k));
            Vectors.put(half, b * c + a * s, rows.at(row, column + middle + k));
        }
    }
}
