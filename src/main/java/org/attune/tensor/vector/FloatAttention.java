package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// Attention of one thread in float32 throughout, tile by tile of queries, so that scores stay in
/// the cache. `R` rows of a tile (queries × heads
/// of the group), `T` keys, rounded up to whole pairs of vectors, `K` head size.
final class FloatAttention implements AttentionWork {
    /// Queries of a tile.
    static final int TILE = 16;

    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;

    private final AttentionShape shape;
    private final int window;
    private final int headBytes;
    private final long keyBytes; // of a row of scores
    private final long keys; // (T, K)
    private final long values; // (T, K)
    private final long keysByFeature; // (K, T)
    private final long valuesByFeature; // (K, T)
    private final long q; // (R, K)
    private final long dOut; // (R, K)
    private final long product; // (R, K)
    private final long p; // (R, T)
    private final long dp; // (R, T)
    private final float[] norm; // (R), 1 / Σ exp

    private AttentionPart part;
    private int head;
    private int prefix;
    private int count;

    /// @param keys most keys of a segment
    static int roundedKeys(int keys) {
        int step = 2 * LANES;
        return (keys + step - 1) / step * step;
    }

    private static int roundedRows(AttentionShape shape) {
        return (TILE * shape.groups() + Matrices.ROWS - 1) / Matrices.ROWS * Matrices.ROWS;
    }

    /// Bytes that a thread needs.
    static long bytes(AttentionShape shape, int keys) {
        long t = roundedKeys(keys);
        long r = roundedRows(shape);
        return FLOAT * (4 * t * shape.headDim() + 3 * r * shape.headDim() + 2 * r * t);
    }

    /// @param memory of [#bytes]
    /// @param keys most keys of a segment
    FloatAttention(AttentionShape shape, int window, int keys, long memory) {
        this.shape = shape;
        this.window = window;
        headBytes = shape.headDim() * FLOAT;
        int t = roundedKeys(keys);
        int r = roundedRows(shape);
        keyBytes = (long) t * FLOAT;
        long matrix = (long) t * headBytes;
        long tile = (long) r * headBytes;
        this.keys = memory;
        values = this.keys + matrix;
        keysByFeature = values + matrix;
        valuesByFeature = keysByFeature + matrix;
        q = valuesByFeature + matrix;
        dOut = q + tile;
        product = dOut + tile;
        p = product + tile;
        dp = p + r * keyBytes;
        norm = new float[r];
    }

    @Override
    public void forward(AttentionPart of, int kvHead, Rows qkv, Rows out, long logs) {
        begin(of, kvHead, qkv, false);
        for (int a = 0; a < of.length(); a += TILE) {
            int n = Math.min(TILE, of.length() - a);
            int visible = prefix + a + n;
            scores(qkv, a, n);
            Matrices.multiply(
                    p,
                    keyBytes,
                    FLOAT,
                    values,
                    headBytes,
                    product,
                    headBytes,
                    n * shape.groups(),
                    shape.headDim(),
                    visible,
                    false);
            for (int row = 0; row < n * shape.groups(); row++) {
                int column = shape.queries(head) + row % shape.groups() * shape.headDim();
                long to = out.at(of.row(a + row / shape.groups()), column);
                RowCopies.write(
                        product + (long) row * headBytes,
                        norm[row],
                        shape.headDim(),
                        out.half(),
                        to);
            }
        }
    }

    @Override
    public void backward(
            AttentionPart of,
            int kvHead,
            Rows qkv,
            Rows out,
            long logs,
            Rows dOutput,
            Rows dQkv,
            long dKeys,
            long dValues) {
        begin(of, kvHead, qkv, true);
        TileLoops.fill(dKeys, roundedKeys(count) * shape.headDim(), 0);
        TileLoops.fill(dValues, roundedKeys(count) * shape.headDim(), 0);
        for (int a = 0; a < of.length(); a += TILE) {
            int n = Math.min(TILE, of.length() - a);
            int rows = n * shape.groups();
            int visible = prefix + a + n;
            int wide = roundedKeys(visible);
            scores(qkv, a, n);
            readTile(dOutput, a, n, dOut);
            multiply(dOut, headBytes, valuesByFeature, keyBytes, dp, keyBytes, rows, wide);
            for (int row = 0; row < rows; row++) {
                softmaxBackward(row, wide);
            }
            Matrices.multiply(
                    dp,
                    keyBytes,
                    FLOAT,
                    keys,
                    headBytes,
                    product,
                    headBytes,
                    rows,
                    shape.headDim(),
                    visible,
                    false);
            for (int row = 0; row < rows; row++) {
                int column = shape.queries(head) + row % shape.groups() * shape.headDim();
                long to = dQkv.at(of.row(a + row / shape.groups()), column);
                RowCopies.write(
                        product + (long) row * headBytes, 1, shape.headDim(), dQkv.half(), to);
            }
            addTransposed(p, dOut, dValues, rows, wide);
            addTransposed(dp, q, dKeys, rows, wide);
        }
    }

    /// `out = a b` with `b` by features.
    private void multiply(long a, long aRow, long b, long bRow, long c, long cRow, int m, int n) {
        Matrices.multiply(a, aRow, FLOAT, b, bRow, c, cRow, m, n, shape.headDim(), false);
    }

    /// `sum += scoresᵀ rows`, `(T, K)`.
    private void addTransposed(long scores, long rows, long sum, int count, int wide) {
        Matrices.multiply(
                scores,
                FLOAT,
                keyBytes,
                rows,
                headBytes,
                sum,
                headBytes,
                wide,
                shape.headDim(),
                count,
                true);
    }

    /// Reads the part's keys and values.
    private void begin(AttentionPart of, int kvHead, Rows qkv, boolean both) {
        part = of;
        head = kvHead;
        count = of.keys();
        prefix = of.position();
        of.forEachRange(
                (key, row, rows) -> {
                    for (int i = 0; i < rows; i++) {
                        long place = (long) (key + i) * headBytes;
                        readRow(qkv, row + i, shape.keys(head), keys + place);
                        readRow(qkv, row + i, shape.values(head), values + place);
                    }
                });
        transpose(keys, keysByFeature);
        if (both) {
            transpose(values, valuesByFeature);
        }
    }

    /// `(T, K)` as `(K, T)`, zeros behind the last key.
    private void transpose(long from, long to) {
        int wide = roundedKeys(count);
        for (int k = 0; k < shape.headDim(); k++) {
            long row = to + k * keyBytes;
            for (int t = 0; t < count; t++) {
                float value = Vectors.number(from + (long) t * headBytes + (long) k * FLOAT);
                Vectors.put(value, row + (long) t * FLOAT);
            }
            for (int t = count; t < wide; t++) {
                Vectors.put(0, row + (long) t * FLOAT);
            }
        }
    }

    private void readRow(Rows from, int row, int column, long to) {
        RowCopies.read(from.half(), from.at(row, column), shape.headDim(), to);
    }

    /// Rows of the head's queries, or of what has their columns.
    private void readTile(Rows from, int a, int n, long to) {
        for (int row = 0; row < n * shape.groups(); row++) {
            int column = shape.queries(head) + row % shape.groups() * shape.headDim();
            int source = part.row(a + row / shape.groups());
            readRow(from, source, column, to + (long) row * headBytes);
        }
    }

    /// Exponentials of a tile's scores less their maximum, and the inverse of their sum.
    private void scores(Rows qkv, int a, int n) {
        readTile(qkv, a, n, q);
        int rows = n * shape.groups();
        int wide = roundedKeys(prefix + a + n);
        multiply(q, headBytes, keysByFeature, keyBytes, p, keyBytes, rows, wide);
        for (int row = 0; row < rows; row++) {
            int position = prefix + a + row / shape.groups();
            int first = window > 0 ? Math.max(0, position - window + 1) : 0;
            norm[row] = 1 / Exponentials.replace(p + row * keyBytes, first, position + 1, wide);
        }
    }

    /// Makes probabilities of exponentials, and of their gradient that of the scores:
    /// ```
    /// ds = p (dp − Σ p dp)
    /// ```
    private void softmaxBackward(int row, int wide) {
        long pRow = p + row * keyBytes;
        long dpRow = dp + row * keyBytes;
        FloatVector sum = Vectors.zero();
        for (int t = 0; t < wide; t += LANES) {
            long at = (long) t * FLOAT;
            FloatVector x = Vectors.load(pRow + at).mul(norm[row]);
            sum = x.fma(Vectors.load(dpRow + at), sum);
            Vectors.store(x, pRow + at);
        }
        float mean = Vectors.sum(sum);
        for (int t = 0; t < wide; t += LANES) {
            long at = (long) t * FLOAT;
            FloatVector d = Vectors.load(dpRow + at).sub(mean).mul(Vectors.load(pRow + at));
            Vectors.store(d, dpRow + at);
        }
    }
}
