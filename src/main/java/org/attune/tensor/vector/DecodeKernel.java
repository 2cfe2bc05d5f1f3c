package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/// Attention of one new token of each of several sequences over their cached keys and values. The
/// token's own key and value are appended first. Every key/value head of a sequence is an item of
/// work; sums are float32. Where sequences begin alike, all read the beginning from one place,
/// which is still in the processor's cache when the next one needs it.
///
/// @param shape heads
/// @param window keys that a token sees, itself included; 0: all
public record DecodeKernel(AttentionShape shape, int window) {
    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;
    private static final long VECTOR = (long) LANES * FLOAT;

    private static final int CACHE_LINE = 64;

    /// Queries of a [Block].
    private static final int QUERIES = 4;

    /// Keys of a vector of scores, which holds them for each of the block's queries in turn.
    private static final int KEYS = LANES / QUERIES;

    /// Bytes that [#attend] works in.
    ///
    /// @param longest most tokens of a sequence, the new one included
    public long workBytes(int longest, int threads) {
        return threads * (scoreBytes(longest) + roundedGroups() * queryBytes());
    }

    private long roundedGroups() {
        return (shape.groups() + QUERIES - 1L) / QUERIES * QUERIES;
    }

    private long queryBytes() {
        return (long) shape.headDim() * FLOAT;
    }

    /// A vector for each key, of a block's partial sums and then its scores, and one more.
    ///
    /// @param longest as of [#workBytes]
    static long scoreBytes(int longest) {
        return ((longest + KEYS - 1L) / KEYS * KEYS + 1) * VECTOR;
    }

    /// @param qkv rotated queries, scaled by `1/√K`, keys and values of the new tokens, side by
    ///     side, a row for each sequence
    /// @param cache in which the sequences stand
    /// @param beginnings in which slots, and what they share
    /// @param lengths tokens that are in the cache already, for each row
    /// @param out its first columns are written, head by head
    /// @param memory of [#workBytes]
    public void attend(
            Rows qkv,
            CacheRows cache,
            SharedBeginnings beginnings,
            int[] lengths,
            Rows out,
            long memory,
            int threads) {
        int longest = 0;
        for (int length : lengths) {
            longest = Math.max(longest, length + 1);
        }
        long own = workBytes(longest, 1);
        long scores = scoreBytes(longest);
        KernelThreads.run(
                threads,
                lengths.length * shape.kvHeads(),
                (thread, item) -> {
                    // In the order of the cache's memory, which the processor reads ahead.
                    int row = item / shape.kvHeads();
                    int head = item % shape.kvHeads();
                    long work = memory + thread * own;
                    attend(qkv, cache, beginnings, row, head, lengths[row], out, work, scores);
                });
    }

    /// Computes one head of one sequence.
    ///
    /// @param position tokens that are in the cache already
    /// @param work of [#workBytes] of one thread
    /// @param scores of [#scoreBytes]
    void attend(
            Rows qkv,
            CacheRows cache,
            SharedBeginnings beginnings,
            int row,
            int head,
            int position,
            Rows out,
            long work,
            long scores) {
        append(qkv, cache, beginnings.own()[row], row, head, position);
        var keys = keys(cache, beginnings, row, head, position);
        attend(qkv, row, head, keys, out, work, scores);
    }

    private void append(Rows qkv, CacheRows cache, int slot, int row, int head, int position) {
        long bytes = qkv.bytes();
        long key = cache.keys(slot, head) + position * cache.rowBytes();
        long value = cache.values(slot, head) + position * cache.rowBytes();
        for (int k = 0; k < shape.headDim(); k += LANES) {
            FloatVector own = Vectors.load(qkv.half(), qkv.at(row, shape.keys(head) + k));
            Vectors.store(qkv.half(), own, key + k * bytes);
            own = Vectors.load(qkv.half(), qkv.at(row, shape.values(head) + k));
            Vectors.store(qkv.half(), own, value + k * bytes);
        }
    }

    /// Keys and values that a query sees: the first `shared` from the start of a range that other
    /// sequences read too. Addresses are those that the first key and value would have, were all of
    /// them there.
    private record Keys(
            int count,
            int shared,
            long sharedKeys,
            long sharedValues,
            long keys,
            long values,
            long rowBytes) {}

    private Keys keys(
            CacheRows cache, SharedBeginnings beginnings, int row, int head, int position) {
        int first = window > 0 ? Math.max(0, position - window + 1) : 0;
        long skipped = first * cache.rowBytes();
        int own = beginnings.own()[row];
        int source = beginnings.slots()[row];
        return new Keys(
                position + 1 - first,
                Math.max(0, beginnings.lengths()[row] - first),
                cache.keys(source, head) + skipped,
                cache.values(source, head) + skipped,
                cache.keys(own, head) + skipped,
                cache.values(own, head) + skipped,
                cache.rowBytes());
    }

    private void attend(
            Rows qkv, int row, int head, Keys keys, Rows out, long memory, long scoreBytes) {
        long queries = memory + scoreBytes;
        for (int g = 0; g < roundedGroups(); g++) {
            int column = shape.queries(head) + Math.min(g, shape.groups() - 1) * shape.headDim();
            RowCopies.read(
                    qkv.half(), qkv.at(row, column), shape.headDim(), queries + g * queryBytes());
        }
        var block = new Block(qkv.half(), shape.headDim(), keys.rowBytes(), keys.count(), memory);
        int shared = keys.shared();
        fetch(keys, memory);
        for (int g = 0; g < shape.groups(); g += QUERIES) {
            long four = queries + g * queryBytes();
            block.partialScores(four, keys.sharedKeys(), 0, shared);
            block.partialScores(four, keys.keys(), shared, keys.count());
            block.joinScores();
            block.softmax();
            block.weighted(keys.sharedValues(), shared, keys.values(), four);
            int real = Math.min(QUERIES, shape.groups() - g);
            for (int i = 0; i < real; i++) {
                int column = shape.queries(head) + (g + i) * shape.headDim();
                long from = queries + (g + i) * queryBytes();
                RowCopies.write(from, 1, shape.headDim(), out.half(), out.at(row, column));
            }
        }
    }

    /// Reads a number of each line of the processor's cache that only this sequence needs, so that
    /// memory's answers come side by side; the loops behind wait for one after the other.
    ///
    /// @param number is written, so that the compiler can't leave the reading out
    private static void fetch(Keys keys, long number) {
        long from = keys.shared() * keys.rowBytes();
        long to = keys.count() * keys.rowBytes();
        float sum = 0;
        float other = 0;
        for (long at = from; at < to; at += CACHE_LINE) {
            sum += Vectors.number(keys.keys() + at);
            other += Vectors.number(keys.values() + at);
        }
        Vectors.put(sum + other, number);
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

        /// Products of the queries, float32, with keys `from … to − 1`, each as partial sums in a
        /// quarter of the key's vector. Two keys at a time; an odd one's neighbour is written too,
        /// and is computed or overwritten afterwards.
        void partialScores(long queries, long keys, int from, int to) {
            long query = (long) headDim * FLOAT;
            int bytes = half ? Short.BYTES : FLOAT;
            for (int t = from; t < to; t += 2) {
                long key = keys + t * rowBytes;
                long next = keys + Math.min(t + 1, to - 1) * rowBytes;
                FloatVector s0 = Vectors.zero();
                FloatVector s1 = s0;
                FloatVector s2 = s0;
                FloatVector s3 = s0;
                FloatVector n0 = s0;
                FloatVector n1 = s0;
                FloatVector n2 = s0;
                FloatVector n3 = s0;
                for (int k = 0; k < headDim; k += LANES) {
                    FloatVector x = Vectors.load(half, key + (long) k * bytes);
                    FloatVector y = Vectors.load(half, next + (long) k * bytes);
                    long at = queries + (long) k * FLOAT;
                    FloatVector q = Vectors.load(at);
                    s0 = q.fma(x, s0);
                    n0 = q.fma(y, n0);
                    q = Vectors.load(at + query);
                    s1 = q.fma(x, s1);
                    n1 = q.fma(y, n1);
                    q = Vectors.load(at + 2 * query);
                    s2 = q.fma(x, s2);
                    n2 = q.fma(y, n2);
                    q = Vectors.load(at + 3 * query);
                    s3 = q.fma(x, s3);
                    n3 = q.fma(y, n3);
                }
                Vectors.store(quarters(s0, s1, s2, s3), scores + t * VECTOR);
                Vectors.store(quarters(n0, n1, n2, n3), scores + (t + 1) * VECTOR);
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

        /// Partial sums of four vectors, a quarter of a vector for each.
        private static FloatVector quarters(
                FloatVector a, FloatVector b, FloatVector c, FloatVector d) {
            FloatVector even = Vectors.halves(a, c, HALF, BY_HALF);
            FloatVector odd = Vectors.halves(b, d, HALF, BY_HALF);
            return Vectors.halves(even, odd, QUARTER, BY_QUARTER);
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
                most = Vectors.load(scores + i * VECTOR).max(most);
            }
            most = Vectors.exact(most);
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
            FloatVector sum = Vectors.zero();
            for (int i = 0; i < blocks; i++) {
                long at = scores + i * VECTOR;
                FloatVector e = Vectors.exp(Vectors.load(at).sub(most));
                sum = e.add(sum);
                Vectors.store(e, at);
            }
            sum = Vectors.exact(sum);
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

        /// Adds up values by their weights, float32, one query's sum behind the other's. Two
        /// vectors of a value at a time; the last may be taken twice.
        ///
        /// @param before values of the first `shared` keys
        /// @param values of the others
        void weighted(long before, int shared, long values, long sums) {
            long query = (long) headDim * FLOAT;
            long step = (long) KEYS * FLOAT;
            int bytes = half ? Short.BYTES : FLOAT;
            for (int k = 0; k < headDim; k += 2 * LANES) {
                int next = Math.min(k + LANES, headDim - LANES);
                long sum = sums + (long) k * FLOAT;
                long sumNext = sums + (long) next * FLOAT;
                FloatVector s0 = Vectors.zero();
                FloatVector s1 = s0;
                FloatVector s2 = s0;
                FloatVector s3 = s0;
                FloatVector n0 = s0;
                FloatVector n1 = s0;
                FloatVector n2 = s0;
                FloatVector n3 = s0;
                for (int t = 0; t < count; t++) {
                    long value = (t < shared ? before : values) + t * rowBytes;
                    FloatVector x = Vectors.load(half, value + (long) k * bytes);
                    FloatVector y = Vectors.load(half, value + (long) next * bytes);
                    long weight = place(t);
                    FloatVector w = Vectors.spread(weight);
                    s0 = x.fma(w, s0);
                    n0 = y.fma(w, n0);
                    w = Vectors.spread(weight + step);
                    s1 = x.fma(w, s1);
                    n1 = y.fma(w, n1);
                    w = Vectors.spread(weight + 2 * step);
                    s2 = x.fma(w, s2);
                    n2 = y.fma(w, n2);
                    w = Vectors.spread(weight + 3 * step);
                    s3 = x.fma(w, s3);
                    n3 = y.fma(w, n3);
                }
                Vectors.store(s0, sum);
                Vectors.store(s1, sum + query);
                Vectors.store(s2, sum + 2 * query);
                Vectors.store(s3, sum + 3 * query);
                Vectors.store(n0, sumNext);
                Vectors.store(n1, sumNext + query);
                Vectors.store(n2, sumNext + 2 * query);
                Vectors.store(n3, sumNext + 3 * query);
            }
        }
    }
}
