package org.attune.model;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Arrays;

/// Keys and values of the tokens that a decoder has read, for several sequences: slot `s` holds
/// one, from its first token. All memory is allocated at construction. Owns its tensors; use it on
/// the engine thread. What it holds is of use only while the weights stay as they are.
///
/// Shapes: `S` slots, `C` key/value heads, `L` capacity, `K` head size.
public final class KvCache implements AutoCloseable {
    private final TensorScope scope = TensorScope.detached("kv-cache");
    private final int kvHeads;
    private final int headDim;
    private final int capacity;
    private final Tensor[] keys; // (S·C, L, K) for each block
    private final Tensor[] values; // (S·C, L, K) for each block
    private final Tensor[] keyRows; // (S·C·L, K), the same memory
    private final Tensor[] valueRows; // (S·C·L, K), the same memory
    private final int[][] tokens; // (S, L)
    private final int[] lengths; // (S)

    /// @param slots sequences that it can hold at once, ≥ 1
    /// @param capacity most tokens of each, ≥ 1
    /// @throws IllegalArgumentException if one of them is below 1
    public KvCache(Decoder decoder, int slots, int capacity) {
        if (slots < 1 || capacity < 1) {
            throw new IllegalArgumentException(
                    "a cache of %d slots of %d tokens is none; accepted: at least 1 each"
                            .formatted(slots, capacity));
        }
        DecoderConfig c = decoder.config();
        kvHeads = c.kvHeads();
        headDim = c.headDim();
        this.capacity = capacity;
        tokens = new int[slots][capacity];
        lengths = new int[slots];
        keys = new Tensor[c.layers()];
        values = new Tensor[c.layers()];
        keyRows = new Tensor[c.layers()];
        valueRows = new Tensor[c.layers()];
        try (var _ = scope.enter()) {
            for (int i = 0; i < c.layers(); i++) {
                keys[i] = allocate(decoder.device(), decoder.dtype(), slots);
                values[i] = allocate(decoder.device(), decoder.dtype(), slots);
                keyRows[i] = rows(keys[i]);
                valueRows[i] = rows(values[i]);
            }
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    /// Zeros, since what lies behind a sequence's end is multiplied by a probability of zero and
    /// must be finite.
    private Tensor allocate(Device device, DType dtype, int slots) {
        return Tensor.zeros(device, dtype, (long) slots * kvHeads, capacity, headDim);
    }

    private Tensor rows(Tensor cache) {
        long[] sizes = {cache.size(0) * capacity, headDim};
        return cache.viewAs(sizes, new long[] {headDim, 1}, 0);
    }

    /// Sequences that it can hold at once.
    public int slots() {
        return lengths.length;
    }

    /// Most tokens of one sequence.
    public int capacity() {
        return capacity;
    }

    /// Tokens that `slot` holds.
    public int length(int slot) {
        return lengths[slot];
    }

    /// How many of its first tokens `slot` shares with `sequence`.
    public int commonPrefix(int slot, int[] sequence) {
        int n = Math.min(lengths[slot], sequence.length);
        int mismatch = Arrays.mismatch(tokens[slot], 0, n, sequence, 0, n);
        return mismatch < 0 ? n : mismatch;
    }

    /// Forgets all tokens of `slot` from `length` on.
    ///
    /// @throws IllegalArgumentException if the slot has fewer tokens
    public void truncate(int slot, int length) {
        if (length < 0 || length > lengths[slot]) {
            throw new IllegalArgumentException(
                    "slot %d can't be cut to %d tokens, it holds %d"
                            .formatted(slot, length, lengths[slot]));
        }
        lengths[slot] = length;
    }

    /// Makes slot `to` hold the first `length` tokens of slot `from`.
    public void copy(int from, int to, int length) {
        if (length < 0 || length > lengths[from]) {
            throw new IllegalArgumentException(
                    "slot %d has no %d tokens to copy, it holds %d"
                            .formatted(from, length, lengths[from]));
        }
        if (from != to && length > 0) {
            try (var _ = TensorScope.open("copy")) {
                for (int i = 0; i < keys.length; i++) {
                    part(keys[i], to, length).copyInPlace(part(keys[i], from, length));
                    part(values[i], to, length).copyInPlace(part(values[i], from, length));
                }
            }
            System.arraycopy(tokens[from], 0, tokens[to], 0, length);
        }
        lengths[to] = length;
    }

    private Tensor part(Tensor cache, int slot, int length) {
        return cache.narrow(0, (long) slot * kvHeads, kvHeads).narrow(1, 0, length);
    }

    /// Remembers that `ids` were appended to `slot`.
    void append(int slot, int[] ids) {
        System.arraycopy(ids, 0, tokens[slot], lengths[slot], ids.length);
        lengths[slot] += ids.length;
    }

    /// Row of a slot's first head and first token in [#keyRows]; the next token is the next row,
    /// the next head [#capacity] rows further.
    long firstRow(int slot) {
        return (long) slot * kvHeads * capacity;
    }

    /// `(S·C·L, K)`.
    Tensor keyRows(int layer) {
        return keyRows[layer];
    }

    /// `(S·C·L, K)`.
    Tensor valueRows(int layer) {
        return valueRows[layer];
    }

    /// Keys `from … to − 1` of `count` slots from `first`, a view `(count·C, to − from, K)`.
    Tensor keys(int layer, int first, int count, int from, int to) {
        return window(keys[layer], first, count, from, to);
    }

    /// Values likewise.
    Tensor values(int layer, int first, int count, int from, int to) {
        return window(values[layer], first, count, from, to);
    }

    private Tensor window(Tensor cache, int first, int count, int from, int to) {
        return cache.viewAs(
                new long[] {(long) count * kvHeads, to - from, headDim},
                new long[] {(long) capacity * headDim, headDim, 1},
                firstRow(first) * headDim + (long) from * headDim);
    }

    @Override
    public void close() {
        scope.close();
    }
}
