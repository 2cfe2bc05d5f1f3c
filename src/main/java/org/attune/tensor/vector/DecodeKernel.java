package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// Attention of one new token of each of several sequences over their cached keys and values. The
/// token's own key and value are appended first. Every key/value head of a sequence is an item of
/// work; sums are float32.
///
/// @param shape heads
/// @param window keys that a token sees, itself included; 0: all
public record DecodeKernel(AttentionShape shape, int window) {
    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;

    /// Queries of a [Block].
    private static final int QUERIES = 4;

    /// Bytes that [#attend] works in.
    ///
    /// @param longest most tokens of a sequence, the new one included
    public long workBytes(int longest, int threads) {
        return threads * roundedGroups() * (scoreBytes(longest) + queryBytes());
    }

    private long roundedGroups() {
        return (shape.groups() + QUERIES - 1L) / QUERIES * QUERIES;
    }

    private long queryBytes() {
        return (long) shape.headDim() * FLOAT;
    }

    private static long scoreBytes(int longest) {
        return (longest + LANES - 1L) / LANES * LANES * FLOAT;
    }

    /// @param qkv rotated queries, scaled by `1/√K`, keys and values of the new tokens, side by
    ///     side, a row for each sequence
    /// @param cache in which row `i`'s sequence has slot `i`
    /// @param lengths tokens that are in the cache already, for each row
    /// @param out its first columns are written, head by head
    /// @param memory of [#workBytes]
    public void attend(
            Rows qkv, CacheRows cache, int[] lengths, Rows out, long memory, int threads) {
        int longest = 0;
        for (int length : lengths) {
            longest = Math.max(longest, length + 1);
        }
        long own = workBytes(longest, 1);
        long scores = scoreBytes(longest);
        Team.run(
                threads,
                lengths.length * shape.kvHeads(),
                (thread, item) -> {
                    int row = item / shape.kvHeads();
                    int head = item % shape.kvHeads();
                    append(qkv, cache, row, head, lengths[row]);
                    attend(qkv, cache, row, head, lengths[row], out, memory + thread * own, scores);
                });
    }

    private void append(Rows qkv, CacheRows cache, int row, int head, int position) {
        long bytes = qkv.bytes();
        long key = cache.keys(row, head) + position * cache.rowBytes();
        long value = cache.values(row, head) + position * cache.rowBytes();
        for (int k = 0; k < shape.headDim(); k += LANES) {
            FloatVector own = Vectors.load(qkv.half(), qkv.at(row, shape.keys(head) + k));
            Vectors.store(qkv.half(), own, key + k * bytes);
            own = Vectors.load(qkv.half(), qkv.at(row, shape.values(head) + k));
            Vectors.store(qkv.half(), own, value + k * bytes);
        }
    }

    private void attend(
            Rows qkv,
            CacheRows cache,
            int row,
            int head,
            int position,
            Rows out,
            long memory,
            long scoreBytes) {
        int first = window > 0 ? Math.max(0, position - window + 1) : 0;
        int count = position + 1 - first;
        long keys = cache.keys(row, head) + first * cache.rowBytes();
        long values = cache.values(row, head) + first * cache.rowBytes();
        long queries = memory + roundedGroups() * scoreBytes;
        for (int g = 0; g < roundedGroups(); g++) {
            int column = shape.queries(head) + Math.min(g, shape.groups() - 1) * shape.headDim();
            RowCopies.read(
                    qkv.half(), qkv.at(row, column), shape.headDim(), queries + g * queryBytes());
        }
        var block = new Block(qkv.half(), shape.headDim(), cache.rowBytes(), count, scoreBytes);
        for (int g = 0; g < shape.groups(); g += QUERIES) {
            long scores = memory + g * scoreBytes;
            block.scores(queries + g * queryBytes(), keys, scores);
            int real = Math.min(QUERIES, shape.groups() - g);
            for (int i = 0; i < QUERIES; i++) {
                long own = scores + i * scoreBytes;
                float sum = Exponentials.replace(own, 0, count, padded(count));
                scale(own, count, 1 / sum);
            }
            block.weighted(scores, values, queries + g * queryBytes());
            for (int i = 0; i < real; i++) {
                int column = shape.queries(head) + (g + i) * shape.headDim();
                long from = queries + (g + i) * queryBytes();
                RowCopies.write(from, 1, shape.headDim(), out.half(), out.at(row, column));
            }
        }
    }

    private static int padded(int count) {
        return (count + LANES - 1) / LANES * LANES;
    }

    private static void scale(long scores, int count, float factor) {
        for (int t = 0; t < count; t += LANES) {
            long at = scores + (long) t * FLOAT;
            Vectors.store(Vectors.load(at).mul(factor), at);
        }
    }

    /// Four queries, which share each key and value that is read.
    private record Block(boolean half, int headDim, long rowBytes, int count, long scoreBytes) {
        /// Products of the queries, float32, with all keys.
        void scores(long queries, long keys, long scores) {
            long query = (long) headDim * FLOAT;
            int bytes = half ? Short.BYTES : FLOAT;
            for (int t = 0; t < count; t++) {
                long key = keys + t * rowBytes;
                FloatVector s0 = FloatVector.zero(Vectors.FLOATS);
                FloatVector s1 = s0;
                FloatVector s2 = s0;
                FloatVector s3 = s0;
                for (int k = 0; k < headDim; k += LANES) {
                    FloatVector x = Vectors.load(half, key + (long) k * bytes);
                    long at = queries + (long) k * FLOAT;
                    s0 = Vectors.load(at).fma(x, s0);
                    s1 = Vectors.load(at + query).fma(x, s1);
                    s2 = Vectors.load(at + 2 * query).fma(x, s2);
                    s3 = Vectors.load(at + 3 * query).fma(x, s3);
                }
                long to = scores + (long) t * FLOAT;
                Vectors.put(Vectors.sum(s0), to);
                Vectors.put(Vectors.sum(s1), to + scoreBytes);
                Vectors.put(Vectors.sum(s2), to + 2 * scoreBytes);
                Vectors.put(Vectors.sum(s3), to + 3 * scoreBytes);
            }
        }

        /// Sums of the values by their weights, float32, one behind the other.
        void weighted(long weights, long values, long sums) {
            long query = (long) headDim * FLOAT;
            int bytes = half ? Short.BYTES : FLOAT;
            for (int k = 0; k < headDim; k += LANES) {
                FloatVector s0 = FloatVector.zero(Vectors.FLOATS);
                FloatVector s1 = s0;
                FloatVector s2 = s0;
                FloatVector s3 = s0;
                long value = values + (long) k * bytes;
                for (int t = 0; t < count; t++) {
                    FloatVector x = Vectors.load(half, value + t * rowBytes);
                    long weight = weights + (long) t * FLOAT;
                    s0 = x.fma(Vectors.spread(weight), s0);
                    s1 = x.fma(Vectors.spread(weight + scoreBytes), s1);
                    s2 = x.fma(Vectors.spread(weight + 2 * scoreBytes), s2);
                    s3 = x.fma(Vectors.spread(weight + 3 * scoreBytes), s3);
                }
                long to = sums + (long) k * FLOAT;
                Vectors.store(s0, to);
                Vectors.store(s1, to + query);
                Vectors.store(s2, to + 2 * query);
                Vectors.store(s3, to + 3 * query);
            }
        }
    }
}
