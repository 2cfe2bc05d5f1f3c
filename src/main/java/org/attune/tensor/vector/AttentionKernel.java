package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

import java.util.ArrayList;
import java.util.List;

/// Causal attention over segments that may share ancestors, written for processors: every segment
/// of every key/value head is an item of work for a thread. Sums are float32, whatever the numbers
/// in memory. Results don't depend on the number of threads.
///
/// Shapes: `C` key/value heads, `K` head size, `T` keys that a segment sees.
public final class AttentionKernel {
    private static final int FLOAT = Float.BYTES;

    private final AttentionShape shape;
    private final int window;
    private final List<AttentionSegment> segments;
    private final int mostKeys;
    private final long[] partials; // offset of each segment's gradients of keys, in numbers
    private final long partialCount;
    private final List<List<Share>> shares = new ArrayList<>();

    /// Where a segment's gradient of some rows lies.
    ///
    /// @param segment whose
    /// @param key number of the first of the rows among its keys
    private record Share(int segment, int key) {}

    /// @param window keys that a row sees, itself included; 0: all
    /// @param segments ancestors before their descendants
    public AttentionKernel(AttentionShape shape, int window, List<AttentionSegment> segments) {
        this.shape = shape;
        this.window = window;
        this.segments = List.copyOf(segments);
        mostKeys = segments.stream().mapToInt(AttentionSegment::keys).max().orElse(0);
        partials = new long[segments.size()];
        long count = 0;
        for (int i = 0; i < partials.length; i++) {
            partials[i] = count;
            count += size(i);
            shares.add(sharesOf(segments.get(i)));
        }
        partialCount = count;
    }

    /// Numbers in the gradients of keys and values that one head of a segment sees.
    private long size(int segment) {
        return 2L * AttentionWork.roundedKeys(segments.get(segment).keys()) * shape.headDim();
    }

    /// Everyone who sees the rows of a segment, itself included.
    private List<Share> sharesOf(AttentionSegment seen) {
        List<Share> all = new ArrayList<>();
        for (int i = 0; i < segments.size(); i++) {
            AttentionSegment s = segments.get(i);
            int key = 0;
            for (int range = 0; range < s.keyStarts().length; range++) {
                if (s.keyStarts()[range] <= seen.start() && seen.end() <= s.keyEnds()[range]) {
                    all.add(new Share(i, key + seen.start() - s.keyStarts()[range]));
                }
                key += s.keyEnds()[range] - s.keyStarts()[range];
            }
        }
        return all;
    }

    /// Bytes that [#forward] works in.
    ///
    /// @param threads most threads
    public long workBytes(int threads) {
        return threads * AttentionWork.bytes(shape, mostKeys);
    }

    /// Bytes that [#backward] works in.
    public long backwardBytes(int threads) {
        return workBytes(threads) + partialCount * shape.kvHeads() * FLOAT;
    }

    /// Attention output of all rows.
    ///
    /// @param qkv rotated queries, scaled by `1/√K`, keys and values, side by side
    /// @param out its first columns are written, head by head
    /// @param memory of [#workBytes]
    public void forward(Rows qkv, Rows out, long memory, int threads) {
        AttentionWork[] work = work(memory, threads);
        Team.run(
                threads,
                segments.size() * shape.kvHeads(),
                (thread, item) ->
                        work[thread].forward(
                                segments.get(item / shape.kvHeads()),
                                item % shape.kvHeads(),
                                qkv,
                                out));
    }

    /// Gradients of queries (as scaled), keys and values.
    ///
    /// @param dOut gradient of what [#forward] wrote
    /// @param dQkv written, in the columns of `qkv`
    /// @param memory of [#backwardBytes]
    public void backward(Rows qkv, Rows dOut, Rows dQkv, long memory, int threads) {
        AttentionWork[] work = work(memory, threads);
        long sums = memory + workBytes(threads);
        int heads = shape.kvHeads();
        Team.run(
                threads,
                segments.size() * heads,
                (thread, item) -> {
                    int segment = item / heads;
                    long keys = partial(sums, segment, item % heads);
                    work[thread].backward(
                            segments.get(segment),
                            item % heads,
                            qkv,
                            dOut,
                            dQkv,
                            keys,
                            keys + size(segment) / 2 * FLOAT);
                });
        Team.run(
                threads,
                segments.size() * heads,
                (_, item) -> addShares(sums, item / heads, item % heads, dQkv));
    }

    private AttentionWork[] work(long memory, int threads) {
        var work = new AttentionWork[threads];
        for (int i = 0; i < threads; i++) {
            long own = memory + i * AttentionWork.bytes(shape, mostKeys);
            work[i] = new AttentionWork(shape, window, mostKeys, own);
        }
        return work;
    }

    /// Address of the gradients that one head of a segment gives: keys, then values.
    private long partial(long sums, int segment, int head) {
        return sums + FLOAT * (partials[segment] * shape.kvHeads() + head * size(segment));
    }

    /// Adds up the gradients of a segment's keys and values, always in the same order.
    private void addShares(long sums, int segment, int head, Rows dQkv) {
        AttentionSegment s = segments.get(segment);
        int size = shape.headDim();
        List<Share> all = shares.get(segment);
        for (int row = 0; row < s.length(); row++) {
            for (int k = 0; k < size; k += Vectors.LANES) {
                FloatVector keys = FloatVector.zero(Vectors.FLOATS);
                FloatVector values = keys;
                for (Share share : all) {
                    long place = (long) (share.key() + row) * size + k;
                    long at = partial(sums, share.segment(), head) + FLOAT * place;
                    keys = keys.add(Vectors.load(at));
                    values = values.add(Vectors.load(at + size(share.segment()) / 2 * FLOAT));
                }
                Vectors.store(dQkv.half(), keys, dQkv.at(s.start() + row, shape.keys(head) + k));
                Vectors.store(
                        dQkv.half(), values, dQkv.at(s.start() + row, shape.values(head) + k));
            }
        }
    }
}
