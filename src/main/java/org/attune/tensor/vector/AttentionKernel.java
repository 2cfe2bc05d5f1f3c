package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Causal attention over segments that may share ancestors, written for processors. Every part of a
/// segment ([AttentionPart]) and every key/value head is an item of work for a thread. Results
/// don't depend on the number of threads.
///
/// Shapes: `N` rows, `C` key/value heads, `G` query heads of each, `K` head size, `T` keys that a
/// part sees.
public final class AttentionKernel {
    private static final int FLOAT = Float.BYTES;

    private final AttentionShape shape;
    private final int window;
    private final boolean tiles;
    private final List<AttentionPart> parts;
    private final int mostKeys;
    private final long[] partials; // offset of each part's gradients of keys, in numbers
    private final long partialCount;
    private final List<List<Share>> shares = new ArrayList<>();

    /// Where a part's gradients of some keys lie.
    ///
    /// @param part whose
    /// @param from first of the rows whose gradients it has
    /// @param to one past the last
    /// @param key number of the row `from` among the part's keys
    private record Share(int part, int from, int to, int key) {}

    /// @param window keys that a row sees, itself included; 0: all
    /// @param segments ancestors before their descendants
    /// @param tiles whether numbers are bfloat16 and [#hasTiles]: then products take bfloat16
    ///     numbers; else all is float32
    public AttentionKernel(
            AttentionShape shape, int window, List<AttentionSegment> segments, boolean tiles) {
        this.shape = shape;
        this.window = window;
        this.tiles = tiles;
        // The longest first: who begins last should not have most to do.
        parts =
                AttentionPart.of(segments, window, shape.kvHeads()).stream()
                        .sorted(Comparator.comparingLong((AttentionPart part) -> -work(part)))
                        .toList();
        mostKeys = parts.stream().mapToInt(AttentionPart::keys).max().orElse(0);
        partials = new long[parts.size()];
        long count = 0;
        for (int i = 0; i < partials.length; i++) {
            partials[i] = count;
            count += numbers(i);
        }
        partialCount = count;
        parts.forEach(part -> shares.add(sharesOf(part)));
    }

    /// Whether libtorch, which must be loaded, has products of tiles.
    public static boolean hasTiles() {
        return TileProduct.isAvailable();
    }

    private static long work(AttentionPart part) {
        return (long) part.length() * part.keys();
    }

    /// Numbers in the gradients of keys and values that one head of a part sees.
    private long numbers(int part) {
        return 2L * parts.get(part).roundedKeys() * shape.headDim();
    }

    /// Everyone who sees rows of a part, itself included.
    private List<Share> sharesOf(AttentionPart seen) {
        int start = seen.row(0);
        int end = start + seen.length();
        List<Share> all = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            AttentionPart p = parts.get(i);
            AttentionSegment s = p.segment();
            int key = -p.firstKey(); // of the range's first row
            for (int range = 0; range < s.keyStarts().length; range++) {
                int first = s.keyStarts()[range];
                int from = Math.max(start, first + Math.max(0, -key));
                int to = Math.min(Math.min(end, s.keyEnds()[range]), first + p.keys() - key);
                if (from < to) {
                    all.add(new Share(i, from, to, key + from - first));
                }
                key += s.keyEnds()[range] - first;
            }
        }
        return all;
    }

    /// Bytes that [#forward] works in.
    ///
    /// @param threads most threads
    public long workBytes(int threads) {
        return threads * threadBytes();
    }

    /// Bytes that [#backward] works in.
    public long backwardBytes(int threads) {
        return workBytes(threads) + partialCount * shape.kvHeads() * FLOAT;
    }

    private long threadBytes() {
        return tiles ? TileAttention.bytes(shape, mostKeys) : FloatAttention.bytes(shape, mostKeys);
    }

    /// Whether [#forward] can give logarithms of sums, which save [#backward] a product.
    public boolean givesLogs() {
        return tiles;
    }

    /// Attention output of all rows.
    ///
    /// @param qkv rotated queries, scaled by `1/√K`, keys and values, side by side
    /// @param out its first columns are written, head by head
    /// @param logs address of float32 `(N, CG)`, written: logarithms to base 2 of the sums of the
    ///     scores' exponentials; 0: not wanted, as where there are none
    /// @param memory of [#workBytes]
    public void forward(Rows qkv, Rows out, long logs, long memory, int threads) {
        AttentionWork[] work = work(memory, threads);
        KernelThreads.run(
                threads,
                parts.size() * shape.kvHeads(),
                (thread, item) ->
                        work[thread].forward(
                                parts.get(item / shape.kvHeads()),
                                item % shape.kvHeads(),
                                qkv,
                                out,
                                logs));
    }

    /// Gradients of queries (as scaled), keys and values.
    ///
    /// @param out what [#forward] wrote
    /// @param logs which it wrote; 0: it didn't
    /// @param dOut gradient of its output
    /// @param dQkv written, in the columns of `qkv`
    /// @param memory of [#backwardBytes]
    public void backward(
            Rows qkv, Rows out, long logs, Rows dOut, Rows dQkv, long memory, int threads) {
        AttentionWork[] work = work(memory, threads);
        long sums = memory + workBytes(threads);
        int heads = shape.kvHeads();
        KernelThreads.run(
                threads,
                parts.size() * heads,
                (thread, item) -> {
                    int part = item / heads;
                    long keys = partial(sums, part, item % heads);
                    work[thread].backward(
                            parts.get(part),
                            item % heads,
                            qkv,
                            out,
                            logs,
                            dOut,
                            dQkv,
                            keys,
                            keys + numbers(part) / 2 * FLOAT);
                });
        KernelThreads.run(
                threads,
                parts.size() * heads,
                (_, item) -> addShares(sums, item / heads, item % heads, dQkv));
    }

    private AttentionWork[] work(long memory, int threads) {
        var work = new AttentionWork[threads];
        for (int i = 0; i < threads; i++) {
            long own = memory + i * threadBytes();
            work[i] =
                    tiles
                            ? new TileAttention(shape, window, mostKeys, own)
                            : new FloatAttention(shape, window, mostKeys, own);
        }
        return work;
    }

    /// Address of the gradients that one head of a part gives: keys, then values.
    private long partial(long sums, int part, int head) {
        return sums + FLOAT * (partials[part] * shape.kvHeads() + head * numbers(part));
    }

    /// Adds up the gradients of a part's own keys and values, always in the same order.
    private void addShares(long sums, int part, int head, Rows dQkv) {
        AttentionPart p = parts.get(part);
        int size = shape.headDim();
        List<Share> all = shares.get(part);
        long[] keys = new long[all.size()];
        long[] values = new long[all.size()];
        for (int row = p.row(0); row < p.row(p.length()); row++) {
            int count = 0;
            for (Share share : all) {
                if (row >= share.from() && row < share.to()) {
                    long place = (long) (share.key() + row - share.from()) * size;
                    keys[count] = partial(sums, share.part(), head) + FLOAT * place;
                    values[count] = keys[count] + numbers(share.part()) / 2 * FLOAT;
                    count++;
                }
            }
            total(keys, count, size, dQkv.half(), dQkv.at(row, shape.keys(head)));
            total(values, count, size, dQkv.half(), dQkv.at(row, shape.values(head)));
        }
    }

    /// Adds up vectors of float32 numbers.
    ///
    /// @param from their addresses
    /// @param count how many there are
    /// @param size numbers of each
    private static void total(long[] from, int count, int size, boolean half, long to) {
        long bytes = half ? Short.BYTES : FLOAT;
        for (int k = 0; k < size; k += Vectors.LANES) {
            FloatVector sum = Vectors.zero();
            for (int i = 0; i < count; i++) {
                sum = Vectors.load(from[i] + k * (long) FLOAT).add(sum);
            }
            Vectors.store(half, sum, to + k * bytes);
        }
    }
}
