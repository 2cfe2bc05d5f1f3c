package org.attune.tensor.vector;

import java.util.function.ToLongFunction;

/// Memory of a run of a [TokenStack]. Buffers have rows to spare, so that products have few sizes.
final class TokenMemory {
    private static final int ROUND = 8;
    private static final int FLOAT = Float.BYTES;
    private static final int HALF = Short.BYTES;
    private static final int LINE = 64; // of the cache

    private final int rows;
    private final int padded;
    private final int longest;
    private final int threads;
    private final long normed;
    private final long mixed;
    private final long activated;
    private final long put;
    private final long putRow;
    private final int[] chosen;
    private final float[] weights;
    private final float[] shares;
    private final long wideRow;
    private final long gathered;
    private final long opened;
    private final long apart;
    private final long heads;
    private final long headsRow;
    private final long shared;
    private final long first; // of what each thread has for itself
    private final long own;
    private final long attention;

    /// @param rows `B`
    /// @param longest most tokens of a sequence, the new one included
    /// @param memory address of the first byte
    TokenMemory(TokenStack stack, int rows, int longest, int threads, long memory) {
        this.rows = rows;
        this.longest = longest;
        this.threads = threads;
        padded = rounded(rows);
        long count = Math.max(padded, (long) threads * rowsOfThread()) + ROUND;
        int most = stack.linears().mapToInt(TokenStack.Linear::stride).max().orElse(0);
        int ranks = stack.linears().mapToInt(l -> wide(l.stride() - l.in())).max().orElse(0);
        boolean after = stack.layers().stream().anyMatch(TokenStack.Layer::putsApart);
        int places = stack.layers().stream().mapToInt(l -> l.places(rows)).max().orElse(0);
        chosen = new int[places];
        weights = new float[places];
        shares = new float[rows];
        long together = places == 0 ? 0 : places + ROUND;
        wideRow = (long) most * HALF;
        putRow = after ? (long) stack.width() * HALF : 0;
        headsRow = stack.layers().stream().mapToLong(l -> headsRow(stack, l)).max().orElse(0);
        normed = memory;
        mixed = normed + count * most * HALF;
        activated = mixed + count * most * HALF;
        put = activated + count * most * HALF;
        gathered = put + rows * putRow;
        opened = gathered + together * wideRow;
        apart = opened + together * wideRow;
        heads = apart + together * putRow;
        shared = heads + rows * headsRow;
        first = shared + most(stack, DeltaStep::sharedBytes);
        long attends = new DecodeKernel(stack.shape(), 0).workBytes(longest, 1);
        attention = Math.max(attends, most(stack, DeltaStep::ownBytes));
        own = 3L * padded * Panels.MOST_WIDE * FLOAT + count * ranks * FLOAT + attention + LINE;
    }

    private static long headsRow(TokenStack stack, TokenStack.Layer layer) {
        AttentionShape s = stack.shape();
        return layer.mixer() instanceof TokenStack.Attention a && a.gated()
                ? (long) s.values(s.kvHeads()) * HALF
                : 0;
    }

    private static long most(TokenStack stack, ToLongFunction<DeltaStep> bytes) {
        return stack.layers().stream()
                .mapToLong(
                        l ->
                                l.mixer() instanceof TokenStack.Delta d
                                        ? bytes.applyAsLong(d.step())
                                        : 0)
                .max()
                .orElse(0);
    }

    /// `R` in whole vectors.
    static int wide(int rank) {
        return (rank + Vectors.LANES - 1) / Vectors.LANES * Vectors.LANES;
    }

    static int rounded(int rows) {
        return (rows + ROUND - 1) / ROUND * ROUND;
    }

    int rows() {
        return rows;
    }

    /// Rows of products.
    int padded() {
        return padded;
    }

    /// Most tokens of a sequence.
    int longest() {
        return longest;
    }

    /// Most rows of a thread.
    int rowsOfThread() {
        return rounded((rows + threads - 1) / threads);
    }

    /// What a part reads, `(B, D + R)`.
    long normed() {
        return normed;
    }

    /// What a mixer projects back, `(B, CGK + R)`.
    long mixed() {
        return mixed;
    }

    /// What a feed-forward part projects back, `(B, F + R)`.
    long activated() {
        return activated;
    }

    /// What a part puts out, where that is normed, `(B, D)`.
    Rows put() {
        return new Rows(put, putRow, true);
    }

    /// Numbers of the parts that each row takes, `(B, k)`.
    int[] chosen() {
        return chosen;
    }

    /// Their weights, `(B, k)`.
    float[] weights() {
        return weights;
    }

    /// How much each row takes of the part that all take, `(B)`.
    float[] shares() {
        return shares;
    }

    /// What parts read of rows that are brought together, each at most as wide as the widest.
    long gathered(int place) {
        return gathered + place * wideRow;
    }

    /// What these parts project back.
    long opened(int place) {
        return opened + place * wideRow;
    }

    /// What these parts put out, `(B k, D)`.
    Rows apart() {
        return new Rows(apart, putRow, true);
    }

    /// Queries, keys and values without gates, `(B, (CG + 2C) K)`.
    Rows heads() {
        return new Rows(heads, headsRow, true);
    }

    /// What all threads read of a [DeltaStep].
    long shared() {
        return shared;
    }

    /// Address behind the last byte.
    long end() {
        return first + threads * own;
    }

    /// A product of a panel, float32.
    long product(int thread) {
        return first + thread * own;
    }

    /// Another one.
    long secondProduct(int thread) {
        return product(thread) + (long) padded * Panels.MOST_WIDE * FLOAT;
    }

    /// What an adapter adds to one.
    long update(int thread) {
        return secondProduct(thread) + (long) padded * Panels.MOST_WIDE * FLOAT;
    }

    /// Products with an adapter's first matrix.
    long reducing(int thread) {
        return update(thread) + (long) padded * Panels.MOST_WIDE * FLOAT;
    }

    /// What a mixer works in.
    long mixing(int thread) {
        return number(thread) - attention;
    }

    /// A float32 number.
    long number(int thread) {
        return first + (thread + 1) * own - LINE;
    }
}
