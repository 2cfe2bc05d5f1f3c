package org.attune.model.decode;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.LlamaBlock;
import org.attune.model.pass.JointHeads;
import org.attune.model.pass.KeptRows;
import org.attune.model.pass.Layout;
import org.attune.model.pass.PassRecord;
import org.attune.model.pass.RecordedLogits;
import org.attune.model.pass.Rope;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.RowMemory;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.TokenPass;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What the blocks made of tokens that a [CachedDecoder] read. With it, a backward pass over the
/// same sequences needs no forward pass through the blocks. It holds as long as the weights stay as
/// they are: code that changes them calls [#forget]. Owns its memory, which stays until it is
/// closed; use it on the engine thread.
///
/// Rows are numbered in the order of reading.
public final class ForwardRecord implements PassRecord, AutoCloseable {
    /// Number of the row of a token that isn't recorded.
    static final int NONE = -1;

    private final Decoder decoder;
    private final Adapter adapter;
    private final List<Read> sequences = new ArrayList<>();
    private TensorScope scope = TensorScope.detached("record");
    private KeptRows[] blocks = {};
    private Tensor hidden; // (rows, D), output of the last block
    private Optional<KeptLogits> logits = Optional.empty();
    private int capacity;
    private int used;

    /// A sequence that was read, and the row of each of its tokens.
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Read(int[] ids, int[] rows) {
        boolean beginsWith(int[] other) {
            return ids.length >= other.length
                    && Arrays.mismatch(ids, 0, other.length, other, 0, other.length) < 0;
        }
    }

    private static KeptRows empty(LlamaBlock b, Adapter adapter, Tensor like, int rows) {
        int columns = b.down().extra(adapter);
        return new KeptRows(
                rows(like, rows, b.qkv().in()),
                b.attention().queryNorm() == null ? rows(like, rows, b.qkv().out()) : null,
                rows(like, rows, b.output().in() + b.output().extra(adapter)),
                rows(like, rows, b.gateUp().in()),
                rows(like, rows, b.gateUp().out()),
                columns == 0 ? null : rows(like, rows, columns));
    }

    private static Tensor[] all(KeptRows k) {
        return new Tensor[] {k.x(), k.qkv(), k.ox(), k.x2(), k.gateUp(), k.downColumns()};
    }

    /// @param decoder borrowed; one that [#suits]
    /// @param adapter with which it reads
    public ForwardRecord(Decoder decoder, Adapter adapter) {
        if (!suits(decoder)) {
            throw new IllegalArgumentException("of such a decoder nothing can be recorded");
        }
        this.decoder = decoder;
        this.adapter = adapter;
    }

    /// Whether reading makes of a decoder's tokens what the hand-written backward pass needs: not
    /// of other blocks than Llama's, and not without the kernels.
    public static boolean suits(Decoder decoder) {
        DecoderConfig config = decoder.config();
        return config.unlikeLlama().isEmpty()
                && decoder.device().equals(Device.cpu())
                && !config.positions().dependsOnLength()
                && Rope.hasKernel(config, decoder.device(), decoder.dtype());
    }

    private static List<LlamaBlock> blocks(Decoder decoder) {
        return decoder.llamaBlocks().orElseThrow();
    }

    /// Most tokens of a sequence whose backward pass can start from a record.
    public static int longest(DType dtype) {
        return JointHeads.mostKeys(dtype);
    }

    /// Memory of a record, in bytes.
    ///
    /// @param rows most tokens that are read
    /// @param predictions most rows of which logits are asked
    public static long bytes(Decoder decoder, Adapter adapter, int rows, int predictions) {
        long numbers = numbers(decoder, adapter);
        long logits =
                KeptLogits.suits(decoder, numbers)
                        ? KeptLogits.bytes(decoder.config(), decoder.dtype(), predictions)
                        : 0;
        return decoder.dtype().bytes() * numbers * rows + logits;
    }

    /// Numbers that are kept of a row, without logits.
    private static long numbers(Decoder decoder, Adapter adapter) {
        long numbers = decoder.config().hiddenSize();
        for (LlamaBlock b : blocks(decoder)) {
            numbers +=
                    b.qkv().in()
                            + (b.attention().queryNorm() == null ? (long) b.qkv().out() : 0)
                            + b.output().in()
                            + b.output().extra(adapter)
                            + b.gateUp().in()
                            + b.gateUp().out()
                            + b.down().extra(adapter);
        }
        return numbers;
    }

    /// Forgets everything and makes room.
    ///
    /// @param rows most tokens that are read; more than these are not recorded
    /// @param predictions most rows of which logits are asked; those of more are not recorded
    public void begin(int rows, int predictions) {
        forget();
        int room = logits.map(KeptLogits::capacity).orElse(predictions);
        if (rows <= capacity && predictions <= room) {
            return;
        }
        scope.close();
        scope = TensorScope.detached("record");
        capacity = Math.max(rows, capacity);
        blocks = new KeptRows[blocks(decoder).size()];
        Tensor like = decoder.embedding().base();
        try (var _ = scope.enter()) {
            for (int i = 0; i < blocks.length; i++) {
                blocks[i] = empty(blocks(decoder).get(i), adapter, like, capacity);
            }
            hidden = rows(like, capacity, decoder.config().hiddenSize());
            logits =
                    KeptLogits.suits(decoder, numbers(decoder, adapter))
                            ? Optional.of(new KeptLogits(decoder, capacity, predictions))
                            : Optional.empty();
        }
    }

    @Override
    public void forget() {
        used = 0;
        sequences.clear();
        logits.ifPresent(KeptLogits::forget);
    }

    /// Takes rows for tokens that are about to be read.
    ///
    /// @return the first, or [#NONE] if there are not enough
    int reserve(int tokens) {
        if (tokens > capacity - used) {
            return NONE;
        }
        int first = used;
        used += tokens;
        return first;
    }

    /// Records rows from `first` on of one block.
    void put(int layer, int first, KeptRows made) {
        Tensor[] from = all(made);
        Tensor[] to = all(blocks[layer]);
        for (int i = 0; i < from.length; i++) {
            if (from[i] != null && to[i] != null) {
                RowMemory.copy(from[i], to[i], first);
            }
        }
    }

    /// Where rows of all blocks go, for a kernel that writes them itself.
    ///
    /// @param first of the rows
    /// @param x input of the first block, `(n, D)`; is recorded
    List<TokenPass.Place> places(int first, Tensor x) {
        RowMemory.copy(x, blocks[0].x(), first);
        Tensor projections = projections(x);
        List<TokenPass.Place> places = new ArrayList<>();
        for (int i = 0; i < blocks.length; i++) {
            KeptRows k = blocks[i];
            Tensor out = i + 1 < blocks.length ? blocks[i + 1].x() : hidden;
            places.add(
                    new TokenPass.Place(
                            k.qkv() == null ? projections : k.qkv(),
                            k.ox(),
                            k.x2(),
                            k.gateUp(),
                            k.downColumns(),
                            out,
                            first,
                            k.qkv() == null ? 0 : first));
        }
        return places;
    }

    /// Memory for what is not recorded, where that is so.
    private Tensor projections(Tensor x) {
        LlamaBlock b = blocks(decoder).getFirst();
        return b.attention().queryNorm() == null
                ? null
                : rows(x, Math.toIntExact(x.size(0)), b.qkv().out());
    }

    /// Records what the last block put out.
    ///
    /// @param x `(n, D)`
    void putHidden(int first, Tensor x) {
        RowMemory.copy(x, hidden, first);
    }

    /// Records logits, where there is room for them.
    ///
    /// @param rows of which they are
    /// @param z in the compute dtype, `(n, V)`
    void putLogits(int[] rows, Tensor z) {
        logits.ifPresent(kept -> kept.put(rows, z));
    }

    @Override
    public Optional<RecordedLogits> logits(int[] rows) {
        return logits.flatMap(kept -> kept.of(rows));
    }

    /// Says which tokens a sequence consists of.
    ///
    /// @param rows of each token; a sequence with a [#NONE] is not recorded
    void add(int[] ids, int[] rows) {
        for (int row : rows) {
            if (row == NONE) {
                return;
            }
        }
        sequences.add(new Read(ids, rows));
    }

    @Override
    public Optional<int[]> rows(Layout layout) {
        if (sequences.isEmpty() || layout.longestPath() > longest(decoder.dtype())) {
            return Optional.empty();
        }
        int[] rows = new int[layout.size()];
        Set<Integer> parents = new HashSet<>();
        layout.spans().forEach(s -> parents.add(s.parent()));
        for (int i = 0; i < layout.spans().size(); i++) {
            if (!parents.contains(i) && !fill(layout, i, rows)) {
                return Optional.empty();
            }
        }
        return Optional.of(rows);
    }

    /// Fills the rows of a path.
    private boolean fill(Layout layout, int leaf, int[] rows) {
        if (!layout.spans().get(leaf).seesItself()) {
            return false;
        }
        int[] path = layout.path(leaf);
        int[] ids = Arrays.stream(path).map(row -> layout.tokens()[row]).toArray();
        for (Read read : sequences) {
            if (read.beginsWith(ids)) {
                for (int i = 0; i < ids.length; i++) {
                    rows[path[i]] = read.rows()[i];
                }
                return true;
            }
        }
        return false;
    }

    @Override
    public Tensor hidden(int[] rows) {
        return gathered(hidden, rows);
    }

    @Override
    public KeptRows kept(int layer, int[] rows) {
        KeptRows k = blocks[layer];
        return new KeptRows(
                gathered(k.x(), rows),
                gathered(k.qkv(), rows),
                gathered(k.ox(), rows),
                gathered(k.x2(), rows),
                gathered(k.gateUp(), rows),
                gathered(k.downColumns(), rows));
    }

    private static Tensor gathered(Tensor all, int[] rows) {
        if (all == null) {
            return null;
        }
        Tensor some = rows(all, rows.length, Math.toIntExact(all.size(1)));
        RowMemory.gather(all, rows, some);
        return some;
    }

    private static Tensor rows(Tensor like, int rows, int width) {
        return Tensor.empty(like.device(), like.dtype(), rows, width);
    }

    @Override
    public void close() {
        forget();
        capacity = 0;
        blocks = new KeptRows[0];
        logits = Optional.empty();
        scope.close();
    }
}
