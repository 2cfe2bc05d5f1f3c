package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/// Attention of one new token of each of several sequences over their cached keys and values. The
/// token's own key and value are appended first. Every key/value head of a sequence is an item of
/// work; sums are float32.
///
/// @param shape heads
/// @param window keys that a token sees, itself included; 0: all
public record DecodeKernel(AttentionShape shape, int window) {
    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;
    private static final long VECTOR = (long) LANES * FLOAT;

    /// Queries of a [Block].
    private static final int QUERIES = 4;

    /// Keys of a vector of scores, which holds them for each of the block's queries in turn.
    private static final int KEYS = LANES / QUERIES;

    /// Bytes that [#attend] works in.
    ///
    /// @param longest most tokens of a sequence, the new one included
    public long workBytes(int longest, int threads) {
        return threads * (partialBytes(longest) + roundedGroups() * queryBytes());
    }

    private long roundedGroups() {
        return (shape.groups() + QUERIES - 1L) / QUERIES * QUERIES;
    }

    private long queryBytes() {
        return (long) shape.headDim() * FLOAT;
    }

    /// A vector for each key, of a block's partial sums and then its scores, and one more.
    private static long partialBytes(int longest) {
        return ((longest + KEYS - 1L) / KEYS * KEYS + 1) * VECTOR;
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
        long scores = partialBytes(longest);
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
        long queries = memory + scoreBytes;
        for (int g = 0; g < roundedGroups(); g++) {
            int column = shape.queries(head) + Math.min(g, shape.groups() - 1) * shape.headDim();
            RowCopies.read(
                    qkv.half(), qkv.at(row, column), shape.headDim(), queries + g * queryBytes());
        }
        var block = new Block(qkv.half(), shape.headDim(), cache.rowBytes(), count, memory);
        for (int g = 0; g < shape.groups(); g += QUERIES) {
            block.partialScores(queries + g * queryBytes(), keys);
            block.joinScores();
            block.softmax();
            block.weighted(values, queries + g * queryBytes());
            int real = Math.min(QUERIES, shape.groups() - g);
            for (int i = 0; i < real; i++) {
                int column = shape.queries(head) + (g + i) * shape.headDim();
                long from = queries + (g + i) * queryBytes();
                RowCopies.write(from, 1, shape.headDim(), out.half(), out.at(row, column));
            }
        }
    }

    /// Four queries, which share each key and value that is read.
    ///
    /// @param scores address of a vector for each key
    private record Block(boolean half, int headDim, long rowBytes, int count, long scores) {
        private static final VectorMask<Float> HALF = Vectors.second(LANES / 2);
        private static final VectorMask<Float> QUARTER = Vectors.second(LANES / 4);
        private static final VectorShuffle<Float> BY_HALF = Vectors.partners(LANES / 2);
        private static final VectorShuffle<Float> BY_QUARTER = Vectors.partners(LANES / 4);
        private static final VectorMask<Float> SECOND_2 = Vectors.second(2);
        private static final VectorMask<Float> SECOND_1 = Vectors.second(1);
        private static final VectorShuffle<Float> BY_2 = Vectors.partners(2);
        private static final VectorShuffle<Float> BY_1 = Vectors.partners(1);

        /// Products of the queries, float32, with all keys, each as partial sums in a quarter of
        /// the key's vector.
        void partialScores(long queries, long keys) {
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
                FloatVector even = Vectors.halves(s0, s2, HALF, BY_HALF);
                FloatVector odd = Vectors.halves(s1, s3, HALF, BY_HALF);
                FloatVector four = Vectors.halves(even, odd, QUARTER, BY_QUARTER);
                Vectors.store(four, scores + t * VECTOR);
            }
        }

        /// Sums the partial sums: [#KEYS] vectors become one.
        void joinScores() {
            for (int t = 0; t < count; t += KEYS) {
                long from = scores + t * VECTOR;
                long to = scores + t / KEYS * VECTOR;
                Vectors.store(KEYS == 4 ? four(from) : KEYS == 2 ? two(from) : one(from), to);
            }
            for (int t = count; t < blocks() * KEYS; t++) {
                for (int query = 0; query < QUERIES; query++) {
                    Vectors.put(Float.NEGATIVE_INFINITY, place(t) + (long) query * KEYS * FLOAT);
                }
            }
        }

        private static FloatVector one(long from) {
            return Vectors.load(from);
        }

        private static FloatVector two(long from) {
            return Vectors.halves(Vectors.load(from), Vectors.load(from + VECTOR), SECOND_1, BY_1);
        }

        private static FloatVector four(long from) {
            FloatVector even =
                    Vectors.halves(
                            Vectors.load(from), Vectors.load(from + 2 * VECTOR), SECOND_2, BY_2);
            FloatVector odd =
                    Vectors.halves(
                            Vectors.load(from + VECTOR),
                            Vectors.load(from + 3 * VECTOR),
                            SECOND_2,
                            BY_2);
            return Vectors.halves(even, odd, SECOND_1, BY_1);
        }

        private int blocks() {
            return (count + KEYS - 1) / KEYS;
        }

        /// Address of the first query's score with a key.
        private long place(int key) {
            return scores + key / KEYS * VECTOR + (long) (key % KEYS) * FLOAT;
        }

        /// Makes probabilities of scores, of all queries at once.
        void softmax() {
            int blocks = blocks();
            FloatVector most = Vectors.load(scores);
            for (int i = 1; i < blocks; i++) {
                most = most.max(Vectors.load(scores + i * VECTOR));
            }
            if (KEYS > 2) {
                most = most.max(most.rearrange(BY_2));
            }
            if (KEYS > 1) {
                most = most.max(most.rearrange(BY_1));
            }
            Vectors.store(most, scores + blocks * VECTOR); // behind the last
            exponentials(blocks);
        }

        private void exponentials(int blocks) {
            FloatVector most = Vectors.load(scores + blocks * VECTOR);
            FloatVector sum = FloatVector.zero(Vectors.FLOATS);
            for (int i = 0; i < blocks; i++) {
                long at = scores + i * VECTOR;
                FloatVector e = Vectors.exp(Vectors.load(at).sub(most));
                sum = sum.add(e);
                Vectors.store(e, at);
            }
            if (KEYS > 2) {
                sum = sum.add(sum.rearrange(BY_2));
            }
            if (KEYS > 1) {
                sum = sum.add(sum.rearrange(BY_1));
            }
            Vectors.store(sum, scores + blocks * VECTOR);
            scale(blocks);
        }

        private void scale(int blocks) {
            FloatVector sum = Vectors.load(scores + blocks * VECTOR);
            for (int i = 0; i < blocks; i++) {
                long at = scores + i * VECTOR;
                Vectors.store(Vectors.load(at).div(sum), at);
            }
        }

        /// Sums of the values by their weights, float32, one behind the other.
        void weighted(long values, long sums) {
            long query = (long) headDim * FLOAT;
            long step = (long) KEYS * FLOAT;
            int bytes = half ? Short.BYTES : FLOAT;
            for (int k = 0; k < headDim; k += LANES) {
                FloatVector s0 = FloatVector.zero(Vectors.FLOATS);
                FloatVector s1 = s0;
                FloatVector s2 = s0;
                FloatVector s3 = s0;
                long value = values + (long) k * bytes;
                for (int t = 0; t < count; t++) {
                    FloatVector x = Vectors.load(half, value + t * rowBytes);
                    long weight = place(t);
                    s0 = x.fma(Vectors.spread(weight), s0);
                    s1 = x.fma(Vectors.spread(weight + step), s1);
                    s2 = x.fma(Vectors.spread(weight + 2 * step), s2);
                    s3 = x.fma(Vectors.spread(weight + 3 * step), s3);
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
