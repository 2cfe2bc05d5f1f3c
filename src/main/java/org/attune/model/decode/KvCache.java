package org.attune.model.decode;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.BlockPresence;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Layout;
import org.attune.tensor.DType;
import org.attune.tensor.LargePages;
import org.attune.tensor.ResidentLimit;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.vector.SharedBeginnings;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/// Keys and values of the tokens that a decoder has read, for several sequences: slot `s` holds
/// one, from its first token. Of layers that keep a state instead it holds the state. All memory is
/// allocated at construction. Owns its tensors; use it on the engine thread. What it holds is of
/// use only while the weights stay as they are. Keys and values of latent attention are those of
/// heads, not the short vectors that they are made of: DeepSeek-V3's take 85 times the memory.
/// Layers that attend to the keys of another layer have none here.
///
/// Shapes: `S` slots, `C` key/value heads, `L` capacity, `K` head size, both of a layer. The memory
/// of a block is `(S, C, 2, L, K)`: of each slot and head the keys, then the values.
public final class KvCache implements AutoCloseable {
    private final TensorScope scope = TensorScope.detached("kv-cache");
    private final int[] kvHeads; // of each layer
    private final int[] headDim;
    private final int[] sources; // whose keys and values a layer attends to
    private final int capacity; // virtual tokens included
    private final int room; // of others
    private final Tensor[] rows; // (S·C·2·L, K) for each block with attention
    private final Optional<StateCache> states;
    private final int[][] tokens; // (S, L)
    private final int[][] recorded; // (S, L), rows of a ForwardRecord
    private final int[] lengths; // (S)
    private final int[] ahead; // (S), virtual tokens among them, which stand first
    private final Adapter[] adapters; // (S), by which keys and values were computed
    private final int vocabulary;
    private final Optional<KvCache> beside;
    private final DecodeGraphs graphs = new DecodeGraphs(this);
    private final BlockPresence.Hold weights; // each token reads all of them
    private SharedBeginnings beginnings; // that were asked for last; null once one changed

    /// @param slots sequences that it can hold at once, ≥ 1
    /// @param capacity most tokens of each, ≥ 1
    /// @throws IllegalArgumentException if one of them is below 1
    public KvCache(Decoder decoder, int slots, int capacity) {
        this(decoder, slots, capacity, Optional.empty());
    }

    /// @param beside of another decoder that reads the same tokens: its slots are cut and copied
    ///     with this one's. Owned
    KvCache(Decoder decoder, int slots, int capacity, Optional<KvCache> beside) {
        this.beside = beside;
        if (slots < 1 || capacity < 1) {
            throw new IllegalArgumentException(
                    "a cache of %d slots of %d tokens is none; accepted: at least 1 each"
                            .formatted(slots, capacity));
        }
        ResidentLimit.beforePass();
        weights = decoder.presence().hold();
        DecoderConfig c = decoder.config();
        kvHeads = perLayer(c, layer -> c.attention().sizes(layer).kvHeads());
        headDim = perLayer(c, c.attention()::cachedDim);
        sources = perLayer(c, c.attention()::source);
        room = capacity;
        this.capacity = capacity + decoder.input().mostVirtual();
        tokens = new int[slots][this.capacity];
        recorded = new int[slots][this.capacity];
        lengths = new int[slots];
        ahead = new int[slots];
        adapters = new Adapter[slots];
        Arrays.fill(adapters, Adapter.OFF);
        vocabulary = c.vocabSize();
        rows = new Tensor[c.layers()];
        long numbers = numbers(c) * slots * this.capacity;
        var device = decoder.device();
        int attend = (int) holding(c).count();
        try (var memory = new LargePages(device, decoder.dtype(), numbers, attend);
                var _ = scope.enter()) {
            states =
                    c.keepsState() ? Optional.of(new StateCache(decoder, slots)) : Optional.empty();
            for (int i : holding(c).toArray()) {
                rows[i] = memory.take(scope, 2L * slots * kvHeads[i] * this.capacity, headDim[i]);
                // Zeros, since what lies behind a sequence's end is multiplied by a probability of
                // zero and must be finite.
                rows[i].zeroInPlace();
            }
        } catch (RuntimeException | Error e) {
            scope.close();
            weights.close();
            throw e;
        }
    }

    private static int[] perLayer(DecoderConfig c, IntUnaryOperator size) {
        return IntStream.range(0, c.layers()).map(size).toArray();
    }

    /// Memory of a cache: `2 b S T Σ C K` over the blocks that have keys, with `S` slots of `T`
    /// tokens, `b` bytes of a number, and the states of layers that keep one.
    public static long bytes(DecoderConfig c, DType dtype, int slots, int capacity) {
        return dtype.bytes() * numbers(c) * slots * capacity + slots * StateCache.bytes(c, dtype);
    }

    /// Numbers of a token's keys and values in all layers.
    private static long numbers(DecoderConfig c) {
        return holding(c)
                .mapToLong(
                        layer ->
                                2L
                                        * c.attention().sizes(layer).kvHeads()
                                        * c.attention().cachedDim(layer))
                .sum();
    }

    /// Layers that have keys and values.
    private static IntStream holding(DecoderConfig c) {
        return IntStream.range(0, c.layers())
                .filter(i -> c.parts(i).attention() && c.attention().source(i) == i);
    }

    /// The states of layers that keep one.
    Optional<StateCache> states() {
        return states;
    }

    /// Sequences that it can hold at once.
    public int slots() {
        return lengths.length;
    }

    /// Most tokens of one sequence, beside virtual ones of an adapter.
    public int capacity() {
        return room;
    }

    /// Places of a slot.
    int places() {
        return capacity;
    }

    /// Tokens that `slot` holds, but for virtual ones of an adapter.
    public int length(int slot) {
        return lengths[slot] - ahead[slot];
    }

    /// Tokens that `slot` holds, virtual ones of an adapter among them.
    int held(int slot) {
        return lengths[slot];
    }

    /// The tokens that `slot` holds, and others behind them.
    int[] with(int slot, int... more) {
        int[] all = Arrays.copyOf(tokens[slot], lengths[slot] + more.length);
        System.arraycopy(more, 0, all, lengths[slot], more.length);
        return all;
    }

    /// New tokens behind those that are held.
    Layout layout(DecoderConfig config, List<CachedDecoder.NewTokens> additions) {
        int size = additions.stream().mapToInt(a -> a.ids().length).sum();
        int[] ids = new int[size];
        int[] positions = new int[size];
        List<Layout.Span> spans = new ArrayList<>();
        int row = 0;
        for (CachedDecoder.NewTokens addition : additions) {
            int count = addition.ids().length;
            System.arraycopy(addition.ids(), 0, ids, row, count);
            for (int i = 0; i < count; i++) {
                positions[row + i] = held(addition.slot()) + i;
            }
            spans.add(new Layout.Span(-1, row, row + count));
            row += count;
        }
        List<int[]> before = // where positions depend on them
                config.placesPictures()
                        ? additions.stream().map(a -> with(a.slot())).toList()
                        : List.of();
        return new Layout(ids, positions, spans, before);
    }

    /// How many of its first tokens `slot` shares with `sequence`, virtual ones left out.
    public int commonPrefix(int slot, int[] sequence) {
        int n = Math.min(length(slot), sequence.length);
        int from = ahead[slot];
        int mismatch = Arrays.mismatch(tokens[slot], from, from + n, sequence, 0, n);
        return mismatch < 0 ? n : mismatch;
    }

    /// By which adapter the tokens of `slot` were read, or are to be.
    public Adapter adapter(int slot) {
        return adapters[slot];
    }

    /// Says by which adapter a slot that holds nothing is to be read, where readers leave the
    /// choice to slots ([CachedDecoder#joined]).
    ///
    /// @throws IllegalArgumentException if it holds something
    public void assign(int slot, Adapter adapter) {
        if (lengths[slot] > 0) {
            throw new IllegalArgumentException(
                    "slot %d holds %d tokens that were read by %s; truncate it first"
                            .formatted(slot, lengths[slot], adapters[slot]));
        }
        adapters[slot] = adapter;
    }

    /// How many first tokens two slots share, read by the same adapter.
    int common(int slot, int other) {
        if (!adapters[slot].equals(adapters[other])) {
            return 0;
        }
        int n = Math.min(lengths[slot], lengths[other]);
        int mismatch = Arrays.mismatch(tokens[slot], 0, n, tokens[other], 0, n);
        return mismatch < 0 ? n : mismatch;
    }

    /// How many of its first tokens `slot` shares with `sequence` and can give. Where layers keep a
    /// state, that is all that it holds, if the sequence goes on behind them, or nothing.
    public int reusable(int slot, int[] sequence) {
        int common = commonPrefix(slot, sequence);
        boolean whole = common == length(slot) && common < sequence.length;
        return mayCut() || whole ? common : 0;
    }

    /// Whether `slot` can give its first `length` tokens without being read again. A state is that
    /// behind the last token only.
    public boolean mayCut(int slot, int length) {
        return mayCut() || length == 0 || length == length(slot);
    }

    /// Whether a slot can always give any number of its first tokens.
    public boolean mayCut() {
        return states.isEmpty() && beside.map(KvCache::mayCut).orElse(true);
    }

    private void requireCut(int slot, int length) {
        if (!mayCut(slot, length)) {
            throw new IllegalArgumentException(
                    ("slot %d holds the state behind %d tokens, which can't be cut to %d; read the"
                                    + " sequence again from its first token")
                            .formatted(slot, length(slot), length));
        }
    }

    /// Forgets all tokens of `slot` from `length` on.
    ///
    /// @throws IllegalArgumentException if the slot has fewer tokens, or [#mayCut] says no
    public void truncate(int slot, int length) {
        if (length < 0 || length > length(slot)) {
            throw new IllegalArgumentException(
                    "slot %d can't be cut to %d tokens, it holds %d"
                            .formatted(slot, length, length(slot)));
        }
        requireCut(slot, length);
        if (length == 0) {
            states.ifPresent(s -> s.forget(slot));
            ahead[slot] = 0;
        }
        lengths[slot] = ahead[slot] + length;
        beginnings = null;
        beside.ifPresent(other -> other.truncate(slot, length));
    }

    /// Makes slot `to` hold the first `length` tokens of slot `from`.
    public void copy(int from, int to, int length) {
        if (from == to) {
            truncate(to, length);
        } else {
            copy(from, to, 1, length);
        }
    }

    /// Makes `count` slots from `first` on hold the first `length` tokens of slot `from`, which
    /// isn't one of them.
    ///
    /// @throws IllegalArgumentException if slot `from` has fewer tokens, is one of the others, or
    ///     [#mayCut] says no
    public void copy(int from, int first, int count, int length) {
        if (length < 0 || length > length(from) || from >= first && from < first + count) {
            throw new IllegalArgumentException(
                    "slot %d can't give %d tokens to slots %d to %d, it holds %d"
                            .formatted(from, length, first, first + count - 1, length(from)));
        }
        requireCut(from, length);
        int rowsOf = length == 0 ? 0 : ahead[from] + length; // virtual tokens come along
        if (rowsOf > 0 && count > 0) {
            try (var _ = TensorScope.open("copy")) {
                for (int layer = 0; layer < rows.length; layer++) {
                    if (rows[layer] != null) {
                        beginnings(layer, first, count, slotSize(layer), rowsOf)
                                .copyInPlace(beginnings(layer, from, count, 0, rowsOf));
                    }
                }
            }
        }
        copyStates(from, first, count, length);
        beginnings = null;
        for (int to = first; to < first + count; to++) {
            System.arraycopy(tokens[from], 0, tokens[to], 0, rowsOf);
            System.arraycopy(recorded[from], 0, recorded[to], 0, rowsOf);
            lengths[to] = rowsOf;
            ahead[to] = rowsOf - length;
            adapters[to] = adapters[from];
        }
        beside.ifPresent(other -> other.copy(from, first, count, length));
    }

    private void copyStates(int from, int first, int count, int length) {
        if (states.isEmpty()) {
            return;
        }
        if (length > 0) {
            states.get().copy(from, first, count);
        } else {
            IntStream.range(first, first + count).forEach(states.get()::forget);
        }
    }

    /// The cache of the decoder that reads the same tokens.
    ///
    /// @throws java.util.NoSuchElementException if there is none
    KvCache beside() {
        return beside.orElseThrow();
    }

    /// Steps of decoding over this cache, recorded for a GPU.
    DecodeGraphs graphs() {
        return graphs;
    }

    /// What slots share: with each, whichever earlier one of them has most in common.
    SharedBeginnings beginnings(int[] slots) {
        if (beginnings == null || !Arrays.equals(beginnings.own(), slots)) {
            beginnings = SharedBeginnings.none(slots);
            for (int i = 1; i < slots.length; i++) {
                int slot = slots[i];
                for (int other = 0; other < i; other++) {
                    int n = common(slots[other], slot);
                    if (n > beginnings.lengths()[i]) {
                        beginnings.slots()[i] = slots[other];
                        beginnings.lengths()[i] = n;
                    }
                }
            }
        }
        return beginnings;
    }

    /// First `length` keys and values of slots, a view `(count, 2C, length, K)`.
    ///
    /// @param step elements from a slot to the next; 0 repeats the first
    private Tensor beginnings(int layer, int first, int count, long step, int length) {
        int size = headDim[layer];
        return rows[layer].viewAs(
                new long[] {count, 2L * kvHeads[layer], length, size},
                new long[] {step, (long) capacity * size, size, 1},
                first * slotSize(layer));
    }

    private long slotSize(int layer) {
        return 2L * kvHeads[layer] * capacity * headDim[layer];
    }

    /// Remembers that `ids` were appended to `slot`.
    ///
    /// @param adapter by which they were read
    /// @param record row of the first in a [ForwardRecord], or [ForwardRecord#NONE] of all
    void append(int slot, int[] ids, Adapter adapter, int record) {
        System.arraycopy(ids, 0, tokens[slot], lengths[slot], ids.length);
        if (lengths[slot] == 0) {
            ahead[slot] = (int) Arrays.stream(ids).takeWhile(id -> id >= vocabulary).count();
            adapters[slot] = adapter;
        }
        for (int i = 0; i < ids.length; i++) {
            recorded[slot][lengths[slot] + i] =
                    record == ForwardRecord.NONE ? ForwardRecord.NONE : record + i;
        }
        lengths[slot] += ids.length;
    }

    /// Tells a record which sequence a slot holds.
    void addTo(ForwardRecord record, int slot) {
        record.add(
                Arrays.copyOf(tokens[slot], lengths[slot]),
                Arrays.copyOf(recorded[slot], lengths[slot]));
    }

    /// Rows of [#rows] for new tokens, as [#rowNumbers(int, int, int, long[], int)] gives them.
    long[] rowNumbers(int heads, List<CachedDecoder.NewTokens> additions, int[] positions) {
        long[] all = new long[positions.length * 2 * heads];
        int row = 0;
        for (CachedDecoder.NewTokens addition : additions) {
            for (int i = 0; i < addition.ids().length; i++) {
                rowNumbers(heads, addition.slot(), positions[row], all, row * 2 * heads);
                row++;
            }
        }
        return all;
    }

    /// Rows of [#rows] for one token of a slot, in layers of so many heads.
    ///
    /// @param heads `C`
    /// @param position of the token
    /// @param out gets `2C` numbers from `at` on: those of all heads' keys, then of their values
    void rowNumbers(int heads, int slot, int position, long[] out, int at) {
        for (int head = 0; head < heads; head++) {
            long keys = 2L * capacity * (slot * (long) heads + head) + position;
            out[at + head] = keys;
            out[at + heads + head] = keys + capacity;
        }
    }

    /// All keys and values of a block as they stand, a view `(S, C, 2, L, K)`.
    Tensor block(int layer) {
        long row = headDim[layer];
        long head = 2L * capacity * row;
        return rows[layer].viewAs(
                new long[] {slots(), kvHeads[layer], 2, capacity, row},
                new long[] {kvHeads[layer] * head, head, capacity * row, row, 1},
                0);
    }

    /// All keys and values of a block, `(S·C·2·L, K)`.
    Tensor rows(int layer) {
        return rows[layer];
    }

    /// All keys of a block for attention that finds each slot's by its [#firstRow], a view
    /// `((S − 1)·2C·L + L, C, K)` in which rows of different slots overlap.
    Tensor keyRows(int layer) {
        return allRows(layer, 0);
    }

    /// All values of a block for attention that finds each slot's by its [#firstRow], a view
    /// `((S − 1)·2C·L + L, C, K)`.
    Tensor valueRows(int layer) {
        return allRows(layer, capacity);
    }

    private Tensor allRows(int layer, int behind) {
        int size = headDim[layer];
        long slot = slotSize(layer) / size;
        return rows[layer].viewAs(
                new long[] {(slots() - 1) * slot + capacity, kvHeads[layer], size},
                new long[] {size, 2L * capacity * size, 1},
                (long) behind * size);
    }

    /// Row of [#keyRows] and [#valueRows] of a slot's first token, where all layers have equally
    /// many heads.
    ///
    /// @throws ArithmeticException if that doesn't fit 32 bits
    int firstRow(int slot) {
        return Math.toIntExact(slot * (slotSize(0) / headDim[0]));
    }

    /// Keys `from … to − 1` of `count` slots from `first`, a view `(count·C, to − from, K)`.
    Tensor keys(int layer, int first, int count, int from, int to) {
        return window(layer, first, count, from, to, 0);
    }

    /// Values `from … to − 1` of `count` slots from `first`, a view `(count·C, to − from, K)`.
    Tensor values(int layer, int first, int count, int from, int to) {
        return window(layer, first, count, from, to, capacity);
    }

    private Tensor window(int layer, int first, int count, int from, int to, int behind) {
        int size = headDim[layer];
        return rows[sources[layer]].viewAs(
                new long[] {(long) count * kvHeads[layer], to - from, size},
                new long[] {2L * capacity * size, size, 1},
                first * slotSize(layer) + (from + behind) * (long) size);
    }

    @Override
    public void close() {
        graphs.close();
        scope.close();
        weights.close();
        beside.ifPresent(KvCache::close);
    }
}
