package org.attune.tensor.vector;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The gated delta rule over spans of rows, of which some go on where another ends, in chunks
/// ([DeltaChunk]). Each root with all that goes on from it, and each key head, is an item of work
/// for a thread. Results don't depend on the number of threads. All numbers are float32.
///
/// Rows hold queries of all key heads, then keys, then values of all heads; rates hold `g` of all
/// heads, then `β`.
public final class DeltaKernel {
    /// Tokens of a chunk.
    public static final int CHUNK = DeltaChunk.SIZE;

    private static final int FLOAT = Float.BYTES;
    private static final int NONE = -1;

    private final int keyHeads;
    private final int heads;
    private final int keyDim;
    private final int valueDim;
    private final int[] parents;
    private final int[] starts;
    private final int[] ends;
    private final int[] firstSlots; // states before the spans
    private final int[] lastSlots; // states behind them, or NONE where nothing goes on
    private final int[] sums; // gradients of those, numbered in each tree, or NONE
    private final int slots;
    private final int chunkSlots;
    private final int[] chunkFirst; // slot of a span's second chunk, behind `slots`
    private final int mostSums;
    private final List<List<Integer>> trees;

    /// @param keyHeads of which each serves as many of `heads`
    /// @param keyDim features of a key, a multiple of the vector's length
    /// @param valueDim of a value, likewise
    /// @param parents of each span the number of the one before it, or -1
    /// @param starts first rows
    /// @param ends one past the last rows
    public DeltaKernel(
            int keyHeads,
            int heads,
            int keyDim,
            int valueDim,
            int[] parents,
            int[] starts,
            int[] ends) {
        this.keyHeads = keyHeads;
        this.heads = heads;
        this.keyDim = keyDim;
        this.valueDim = valueDim;
        this.parents = parents.clone();
        this.starts = starts.clone();
        this.ends = ends.clone();
        int count = starts.length;
        firstSlots = new int[count];
        lastSlots = new int[count];
        sums = new int[count];
        chunkFirst = new int[count];
        boolean[] goesOn = new boolean[count];
        for (int parent : parents) {
            if (parent >= 0) {
                goesOn[parent] = true;
            }
        }
        int next = 1; // all roots begin with zeros
        int nextChunk = 0;
        for (int s = 0; s < count; s++) {
            firstSlots[s] = parents[s] < 0 ? 0 : lastSlots[parents[s]];
            lastSlots[s] = !goesOn[s] ? NONE : chunks(s) == 0 ? firstSlots[s] : next++;
            chunkFirst[s] = nextChunk;
            nextChunk += Math.max(0, chunks(s) - 1);
        }
        slots = next;
        chunkSlots = nextChunk;
        trees = trees();
        int most = 0;
        for (List<Integer> tree : trees) {
            int own = 0;
            for (int s : tree) {
                sums[s] = goesOn[s] ? own++ : NONE;
            }
            most = Math.max(most, own);
        }
        mostSums = most;
    }

    private List<List<Integer>> trees() {
        List<List<Integer>> all = new ArrayList<>();
        int[] number = new int[parents.length];
        for (int s = 0; s < number.length; s++) {
            if (parents[s] < 0) {
                number[s] = all.size();
                all.add(new ArrayList<>());
            } else {
                number[s] = number[parents[s]];
            }
            all.get(number[s]).add(s);
        }
        return all;
    }

    private int chunks(int span) {
        return (ends[span] - starts[span] + DeltaChunk.SIZE - 1) / DeltaChunk.SIZE;
    }

    /// Features of a key.
    public int features() {
        return keyDim;
    }

    private long stateBytes() {
        return (long) keyDim * valueDim * FLOAT;
    }

    /// Bytes of the states that [#forward] writes.
    ///
    /// @param backward whether [#backward] will read them
    public long stateBytes(boolean backward) {
        return stateBytes() * heads * (slots + (backward ? chunkSlots : 0));
    }

    /// Bytes that [#forward] works in.
    public long workBytes(int threads) {
        return threads * (DeltaChunk.bytes(keyDim, valueDim) + stateBytes());
    }

    /// Bytes that [#backward] works in.
    public long backwardBytes(int threads) {
        return workBytes(threads) + (long) threads * mostSums * stateBytes();
    }

    /// Where the states of [#forward] are.
    ///
    /// @param slots address of as many bytes as [#stateBytes(boolean)] says; written
    /// @param before address of the states before all spans, none of which has a parent,
    ///     `(spans, heads, k, v)`; 0: zeros
    /// @param after written likewise; 0: not wanted
    public record States(long slots, long before, long after) {}

    /// @param qkv queries, keys and values
    /// @param rates `g` and `β`
    /// @param out written, values of all heads
    /// @param kept what [#backward] needs of the rows, written, as wide as `out`; or null
    /// @param memory of [#workBytes]
    public void forward(
            Rows qkv, Rows rates, Rows out, Rows kept, States states, long memory, int threads) {
        long own = workBytes(1);
        DeltaChunk[] work = work(memory, own, threads);
        TileLoops.fill(states.slots(), heads * keyDim * valueDim, 0);
        KernelThreads.run(
                threads,
                trees.size() * keyHeads,
                (thread, item) -> {
                    long state = memory + thread * own + own - stateBytes();
                    for (int i = 0; i < heads / keyHeads; i++) {
                        int head = item % keyHeads * (heads / keyHeads) + i;
                        for (int span : trees.get(item / keyHeads)) {
                            forward(work[thread], span, head, qkv, rates, out, kept, states, state);
                        }
                    }
                });
    }

    private DeltaChunk[] work(long memory, long own, int threads) {
        DeltaChunk[] work = new DeltaChunk[threads];
        Arrays.setAll(work, i -> new DeltaChunk(keyDim, valueDim, memory + i * own));
        return work;
    }

    private void forward(
            DeltaChunk chunk,
            int span,
            int head,
            Rows qkv,
            Rows rates,
            Rows out,
            Rows kept,
            States states,
            long state) {
        long bytes = stateBytes();
        boolean given = parents[span] < 0 && states.before() != 0;
        long first =
                given
                        ? slot(states.before(), span, head)
                        : slot(states.slots(), firstSlots[span], head);
        RowMoves.move(first, state, bytes);
        for (int m = 0; m < chunks(span); m++) {
            if (m > 0 && kept != null) {
                RowMoves.move(state, chunkSlot(states.slots(), span, m, head), bytes);
            }
            DeltaChunk.Place place = place(span, m, head);
            chunk.read(qkv, rates, place);
            if (chunk.isOne() && kept == null) {
                chunk.step(state, out, place);
            } else {
                chunk.forward(state, out, kept, place);
            }
        }
        if (lastSlots[span] != NONE) {
            RowMoves.move(state, slot(states.slots(), lastSlots[span], head), bytes);
        }
        if (states.after() != 0) {
            RowMoves.move(state, slot(states.after(), span, head), bytes);
        }
    }

    private long slot(long states, int slot, int head) {
        return states + ((long) slot * heads + head) * stateBytes();
    }

    /// State before a chunk.
    private long chunkSlot(long states, int span, int chunk, int head) {
        int slot = chunk == 0 ? firstSlots[span] : slots + chunkFirst[span] + chunk - 1;
        return slot(states, slot, head);
    }

    private DeltaChunk.Place place(int span, int chunk, int head) {
        int row = starts[span] + chunk * DeltaChunk.SIZE;
        int key = head / (heads / keyHeads) * keyDim;
        int keys = keyHeads * keyDim;
        return new DeltaChunk.Place(
                row,
                Math.min(DeltaChunk.SIZE, ends[span] - row),
                key,
                keys + key,
                2 * keys + head * valueDim,
                head,
                heads);
    }

    /// Gradients of all that [#forward] read, which began with zeros.
    ///
    /// @param kept what it wrote
    /// @param slots address of the states that it wrote
    /// @param dOut gradient of what it put out
    /// @param dQkv written
    /// @param dRates written
    /// @param memory of [#backwardBytes]
    public void backward(
            Rows qkv,
            Rows rates,
            Rows kept,
            long slots,
            Rows dOut,
            Rows dQkv,
            Rows dRates,
            long memory,
            int threads) {
        long own = backwardBytes(1);
        DeltaChunk[] work = work(memory, own, threads);
        KernelThreads.run(
                threads,
                trees.size() * keyHeads,
                (thread, item) -> {
                    long state = memory + (thread + 1) * own - (mostSums + 1) * stateBytes();
                    List<Integer> tree = trees.get(item / keyHeads);
                    for (int i = 0; i < heads / keyHeads; i++) {
                        int head = item % keyHeads * (heads / keyHeads) + i;
                        TileLoops.fill(state, (mostSums + 1) * keyDim * valueDim, 0);
                        for (int span : tree.reversed()) {
                            begin(state, span);
                            for (int m = chunks(span) - 1; m >= 0; m--) {
                                DeltaChunk.Place place = place(span, m, head);
                                work[thread].read(qkv, rates, place);
                                work[thread].backward(
                                        chunkSlot(slots, span, m, head),
                                        state,
                                        kept,
                                        dOut,
                                        dQkv,
                                        dRates,
                                        i > 0,
                                        place);
                            }
                            handOn(state, span);
                        }
                    }
                });
    }

    /// Begins with the gradient of the state behind a span.
    private void begin(long state, int span) {
        if (sums[span] == NONE) {
            TileLoops.fill(state, keyDim * valueDim, 0);
        } else {
            RowMoves.move(state + (1 + sums[span]) * stateBytes(), state, stateBytes());
        }
    }

    /// Adds the gradient of the state before a span to what its parent begins with.
    private void handOn(long state, int span) {
        if (parents[span] >= 0) {
            long to = state + (1 + sums[parents[span]]) * stateBytes();
            StateLoops.addScaled(state, 1, keyDim * valueDim, to);
        }
    }
}
