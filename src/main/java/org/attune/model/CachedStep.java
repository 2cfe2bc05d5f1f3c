package org.attune.model;

import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The forward pass of new tokens of several sequences over a [KvCache]. Its tables and masks live
/// in the scope in which it is made.
///
/// Shapes: `B` sequences in consecutive slots, `n` new tokens of each (`N = B·n` rows, sequence by
/// sequence), `T` keys that any of them sees, `C` key/value heads, `G` query heads per key/value
/// head, `K` head size, `D` model width, `F` inner width.
final class CachedStep {
    private final Decoder decoder;
    private final DecoderConfig config;
    private final FusedLinear.Adapter adapter;
    private final KvCache cache;
    private final int firstSlot;
    private final int sequences;
    private final int added;
    private final int[] before; // (B), tokens in the cache already
    private final Layout layout;
    private final Rope rope;
    private final Tensor cacheRows; // (N·C), where the new keys and values go
    private final Map<Integer, Visible> visibleByWindow = new HashMap<>();

    /// Keys that a window lets anyone see: positions `from … to − 1`, and an additive mask
    /// `(B, 1, n, 1, T)` where they aren't the same for all.
    private record Visible(int from, int to, Optional<Tensor> mask) {}

    /// @param ids new tokens, `(B, n)`
    CachedStep(
            Decoder decoder,
            FusedLinear.Adapter adapter,
            KvCache cache,
            int firstSlot,
            int[][] ids) {
        this.decoder = decoder;
        this.config = decoder.config();
        this.adapter = adapter;
        this.cache = cache;
        this.firstSlot = firstSlot;
        sequences = ids.length;
        added = ids[0].length;
        before = new int[sequences];
        for (int b = 0; b < sequences; b++) {
            before[b] = cache.length(firstSlot + b);
        }
        layout = layout(ids);
        rope = new Rope(config, layout, decoder.device(), decoder.dtype());
        cacheRows = cacheRows();
        for (Block block : decoder.blocks()) {
            // Here and not on demand: a mask made inside a block would die with the block.
            visibleByWindow.computeIfAbsent(block.window(), this::visible);
        }
    }

    private Layout layout(int[][] ids) {
        int[] tokens = new int[sequences * added];
        int[] positions = new int[tokens.length];
        List<Layout.Span> spans = new ArrayList<>();
        for (int b = 0; b < sequences; b++) {
            System.arraycopy(ids[b], 0, tokens, b * added, added);
            for (int i = 0; i < added; i++) {
                positions[b * added + i] = before[b] + i;
            }
            spans.add(new Layout.Span(-1, b * added, (b + 1) * added));
        }
        return new Layout(tokens, positions, spans);
    }

    private Tensor cacheRows() {
        long[] rows = new long[sequences * added * config.kvHeads()];
        int next = 0;
        for (int b = 0; b < sequences; b++) {
            for (int i = 0; i < added; i++) {
                long row = cache.firstRow(firstSlot + b) + before[b] + i;
                for (int head = 0; head < config.kvHeads(); head++) {
                    rows[next++] = row + (long) head * cache.capacity();
                }
            }
        }
        return Tensor.of(decoder.device(), rows, rows.length);
    }

    private Visible visible(int window) {
        int from = Integer.MAX_VALUE;
        int to = 0;
        boolean same = added == 1;
        for (int length : before) {
            from = Math.min(from, window > 0 ? Math.max(0, length - window + 1) : 0);
            to = Math.max(to, length + added);
            same &= length == before[0];
        }
        // One new token of equally long sequences sees all keys in this range.
        return new Visible(from, to, same ? Optional.empty() : Optional.of(mask(window, from, to)));
    }

    private Tensor mask(int window, int from, int to) {
        int keys = to - from;
        float[] mask = new float[sequences * added * keys];
        for (int row = 0; row < sequences * added; row++) {
            int position = layout.positions()[row];
            for (int k = 0; k < keys; k++) {
                int distance = position - (from + k);
                if (distance < 0 || window > 0 && distance >= window) {
                    mask[row * keys + k] = Float.NEGATIVE_INFINITY;
                }
            }
        }
        return Tensor.of(decoder.device(), mask, sequences, 1, added, 1, keys).to(decoder.dtype());
    }

    /// Ids of the new tokens, `(N)`.
    Tensor tokens() {
        return layout.tokenTensor(decoder.device());
    }

    /// One block.
    ///
    /// @param x `(N, D)`
    /// @return `(N, D)`
    Tensor block(int layer, Tensor x) {
        Block b = decoder.blocks().get(layer);
        Tensor h = input(x, b.qkv()); // (N, D + …)
        b.inputNorm().forward(x, h.narrow(1, 0, b.qkv().in()), adapter);
        Tensor q = heads(b, layer, b.qkv().forward(h, adapter, Dropout.NONE)); // (N, CG, K)
        Tensor o = input(x, b.output()); // (N, CGK + …)
        attend(q, layer, b.window(), o);
        Tensor x2 = b.output().forward(o, adapter, Dropout.NONE).addInPlace(x); // (N, D)
        Tensor h2 = input(x, b.gateUp()); // (N, D + …)
        b.postNorm().forward(x2, h2.narrow(1, 0, b.gateUp().in()), adapter);
        Tensor gateUp = b.gateUp().forward(h2, adapter, Dropout.NONE); // (N, 2F)
        Tensor a = input(x, b.down()); // (N, F + …)
        WrittenBlock.activate(b, gateUp, a.narrow(1, 0, b.down().in()));
        return b.down().forward(a, adapter, Dropout.NONE).addInPlace(x2); // (N, D)
    }

    /// Memory for a layer's input and its adapter's columns.
    private Tensor input(Tensor x, FusedLinear linear) {
        return Tensor.empty(
                x.device(), x.dtype(), x.size(0), linear.in() + (long) linear.extra(adapter));
    }

    /// Norms and rotates queries and keys, and writes keys and values into the cache.
    ///
    /// @param y projections, `(N, q + k + v)`
    /// @return queries, scaled, `(N, CG, K)`
    private Tensor heads(Block b, int layer, Tensor y) {
        int heads = config.heads();
        int kvHeads = config.kvHeads();
        Tensor queries = byHead(y, 0, heads); // (N, CG, K)
        Tensor keys = byHead(y, heads, kvHeads); // (N, C, K)
        if (b.queryNorm() != null) {
            b.queryNorm().forward(queries, queries, adapter);
            b.keyNorm().forward(keys, keys, adapter);
        }
        Tensor q = Tensor.empty(y.device(), y.dtype(), queries.shape());
        Tensor k = Tensor.empty(y.device(), y.dtype(), keys.shape());
        rope.rotateQueries(queries, q);
        rope.rotateKeys(keys, k);
        Tensor v = byHead(y, heads + kvHeads, kvHeads).contiguous(); // (N, C, K)
        Kernels.indexCopy(cache.keyRows(layer), cacheRows, asRows(k));
        Kernels.indexCopy(cache.valueRows(layer), cacheRows, asRows(v));
        return q;
    }

    private Tensor byHead(Tensor y, int first, int count) {
        int size = config.headDim();
        return y.viewAs(
                new long[] {y.size(0), count, size},
                new long[] {y.stride(0), size, 1},
                (long) first * size);
    }

    /// `(N, C, K)` as `(N·C, K)`.
    private Tensor asRows(Tensor x) {
        int size = config.headDim();
        return x.viewAs(new long[] {x.size(0) * x.size(1), size}, new long[] {size, 1}, 0);
    }

    /// Attention of all new tokens over the cache, into the first columns of `out`.
    ///
    /// @param q `(N, CG, K)`
    private void attend(Tensor q, int layer, int window, Tensor out) {
        Visible visible = visibleByWindow.get(window);
        Tensor keys = cache.keys(layer, firstSlot, sequences, visible.from(), visible.to());
        Tensor values = cache.values(layer, firstSlot, sequences, visible.from(), visible.to());
        int kvHeads = config.kvHeads();
        int groups = config.heads() / kvHeads;
        int size = config.headDim();
        long batch = (long) sequences * kvHeads;
        long queries = (long) added * groups;
        // (N, CG, K) = (B, n, C, G, K); with one new token the order of heads is that of rows.
        Tensor folded =
                added == 1
                        ? q.viewAs(
                                new long[] {batch, queries, size},
                                new long[] {queries * size, size, 1},
                                0)
                        : q.reshape(sequences, added, kvHeads, groups, size)
                                .transpose(1, 2)
                                .reshape(batch, queries, size); // (B·C, n·G, K)
        Tensor scores = folded.bmm(keys.transpose(1, 2)); // (B·C, n·G, T)
        visible.mask()
                .ifPresent(
                        mask ->
                                scores.reshape(
                                                sequences,
                                                kvHeads,
                                                added,
                                                groups,
                                                (long) visible.to() - visible.from())
                                        .addInPlace(mask));
        Tensor o = scores.softmaxInPlace().bmm(values); // (B·C, n·G, K)
        byRow(out, groups)
                .copyInPlace(o.reshape(sequences, kvHeads, added, groups, size).transpose(1, 2));
    }

    /// The first columns of `(N, CGK + …)` as `(B, n, C, G, K)`.
    private Tensor byRow(Tensor x, int groups) {
        long row = x.stride(0);
        int size = config.headDim();
        return x.viewAs(
                new long[] {sequences, added, config.kvHeads(), groups, size},
                new long[] {row * added, row, (long) groups * size, size, 1},
                0);
    }
}
