package org.attune.model.decode;

import org.attune.images.SeenPicture;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.layer.Block;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.LatentAttention;
import org.attune.model.layer.Mixer;
import org.attune.model.layer.SelfAttention;
import org.attune.model.layer.StateMixer;
import org.attune.model.layer.VariedAttention;
import org.attune.tensor.Masks;
import org.attune.tensor.Tensor;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Attention of new tokens over a [KvCache], for sequences in consecutive slots that read the same
/// number of tokens. Its masks live in the scope in which it is made.
///
/// Shapes: `B` sequences, `n` new tokens of each, `T` keys that any of them sees, `C` key/value
/// heads, `G` query heads per key/value head, `K` head size.
final class CachedAttention {
    private final DecoderConfig config;
    private final KvCache cache;
    private final int firstSlot;
    private final int sequences;
    private final int added;
    private final int firstRow;
    private final int[] before; // (B), tokens in the cache already
    private final List<int[]> addedIds; // of each sequence
    private final Map<Integer, Visible> visibleByWindow = new HashMap<>();

    /// Keys that a window lets anyone see: positions `from … to − 1`, and an additive mask
    /// `(B, 1, n, 1, T)` where they aren't the same for all.
    private record Visible(int from, int to, Optional<Tensor> mask) {}

    /// @param group the sequences
    /// @param firstRow where their rows begin in what [#attend] is given
    CachedAttention(Decoder decoder, KvCache cache, List<NewTokens> group, int firstRow) {
        config = decoder.config();
        this.cache = cache;
        this.firstRow = firstRow;
        firstSlot = group.getFirst().slot();
        sequences = group.size();
        added = group.getFirst().ids().length;
        addedIds = group.stream().map(NewTokens::ids).toList();
        before = group.stream().mapToInt(g -> cache.held(g.slot())).toArray();
        for (Block block : decoder.blocks()) {
            // Here and not on demand: a mask made inside a block would die with the block.
            for (Mixer mixer : block.mixers()) {
                switch (mixer) {
                    case SelfAttention a -> addVisible(decoder, a.window());
                    case VariedAttention a -> addVisible(decoder, a.window());
                    case LatentAttention _ -> addVisible(decoder, 0);
                    case StateMixer _ -> {}
                }
            }
        }
    }

    private void addVisible(Decoder decoder, int window) {
        visibleByWindow.computeIfAbsent(window, w -> visible(decoder, w));
    }

    private Visible visible(Decoder decoder, int window) {
        int from = Integer.MAX_VALUE;
        int to = 0;
        boolean same = added == 1;
        for (int length : before) {
            from = Math.min(from, config.attention().firstSeen(length, window));
            to = Math.max(to, length + added);
            same &= length == before[0];
        }
        // One new token of equally long sequences sees all keys in this range.
        return new Visible(
                from, to, same ? Optional.empty() : Optional.of(mask(decoder, window, from, to)));
    }

    private Tensor mask(Decoder decoder, int window, int from, int to) {
        int keys = to - from;
        boolean whole = config.attention().picturesWhole();
        float[] mask = new float[sequences * added * keys];
        for (int row = 0; row < sequences * added; row++) {
            int held = before[row / added];
            int[] ids = addedIds.get(row / added);
            int position = held + row % added;
            int runEnd = whole ? held + SeenPicture.runEnd(ids, row % added) : position + 1;
            int first = config.attention().firstSeen(position, window);
            for (int k = 0; k < keys; k++) {
                int key = from + k;
                boolean behind = key > position && key >= runEnd;
                if (behind || key < first) {
                    mask[row * keys + k] = Float.NEGATIVE_INFINITY;
                }
            }
        }
        return Masks.of(decoder.device(), decoder.dtype(), mask, sequences, 1, added, 1, keys);
    }

    /// Attention of the group's tokens, into the first columns of their rows of `out`.
    ///
    /// @param q queries of all groups, scaled, contiguous `(N, CG, K)`
    /// @param out `(N, CGK + …)`
    /// @param sinks a score of each query head beside those of its keys, `(CG)`
    void attend(Tensor q, int layer, int window, Optional<Tensor> sinks, Tensor out) {
        Visible visible = visibleByWindow.get(window);
        AttentionConfig.Sizes sizes = config.attention().sizes(layer);
        long valueDim = config.attention().valueDim(layer);
        Tensor keys =
                cache.keys(layer, firstSlot, sequences, visible.from(), visible.to())
                        .narrow(2, 0, sizes.headDim());
        Tensor values =
                cache.values(layer, firstSlot, sequences, visible.from(), visible.to())
                        .narrow(2, 0, valueDim);
        int kvHeads = sizes.kvHeads();
        int groups = config.heads() / kvHeads;
        // On a processor a product with transposed rows of a larger tensor is many times slower
        // than one with a dense copy, and than the copy. A GPU's products take them as they are.
        Tensor rows = keys.device().isGpu() ? keys : keys.contiguous();
        Tensor scores = byHead(q, sizes).bmm(rows.transpose(1, 2)); // (B·C, n·G, T)
        double cap = config.attention().softcap();
        if (cap > 0) {
            scores.copyInPlace(scores.mul(1 / cap).tanh().mulInPlace(cap));
        }
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
        Tensor p = sinks.map(own -> besideSinks(scores, own)).orElseGet(scores::softmaxInPlace);
        Tensor o = p.bmm(values); // (B·C, n·G, K)
        long width = groups * valueDim;
        byRow(out, kvHeads, width)
                .copyInPlace(
                        o.viewAs(
                                new long[] {sequences, added, kvHeads, width},
                                new long[] {width * kvHeads * added, width, width * added, 1},
                                0));
    }

    /// A softmax over the scores and one more of each head, whose share is dropped.
    ///
    /// @param scores `(B·C, n·G, T)`
    /// @param sinks `(CG)`
    private Tensor besideSinks(Tensor scores, Tensor sinks) {
        int kvHeads = config.kvHeads();
        long groups = config.heads() / kvHeads;
        Tensor column =
                sinks.reshape(1, kvHeads, 1, groups, 1)
                        .expand(sequences, kvHeads, added, groups, 1)
                        .reshape((long) sequences * kvHeads, added * groups, 1);
        return Tensor.cat(2, scores, column)
                .softmaxInPlace()
                .narrow(2, 0, scores.size(2))
                .contiguous();
    }

    /// The group's queries, `(N, CG, K)` = `(B, n, C, G, K)`, as `(B·C, n·G, K)`.
    private Tensor byHead(Tensor q, AttentionConfig.Sizes sizes) {
        int kvHeads = sizes.kvHeads();
        int groups = config.heads() / kvHeads;
        int size = sizes.headDim();
        long offset = (long) firstRow * config.heads() * size;
        long batch = (long) sequences * kvHeads;
        long queries = (long) added * groups;
        if (added == 1) { // the order of heads is that of rows
            return q.viewAs(
                    new long[] {batch, queries, size},
                    new long[] {queries * size, size, 1},
                    offset);
        }
        long perRow = (long) config.heads() * size;
        return q.viewAs(
                        new long[] {sequences, kvHeads, added, groups, size},
                        new long[] {added * perRow, (long) groups * size, perRow, size, 1},
                        offset)
                .reshape(batch, queries, size);
    }

    /// The first columns of the group's rows of `(N, CGK + …)` as `(B, n, C, GK)`.
    ///
    /// @param perHead `GK`
    private Tensor byRow(Tensor out, int kvHeads, long perHead) {
        long row = out.stride(0);
        return out.viewAs(
                new long[] {sequences, added, kvHeads, perHead},
                new long[] {added * row, row, perHead, 1},
                firstRow * row);
    }

    /// End of the run of consecutive slots that read equally many tokens.
    static int alike(List<NewTokens> additions, int from) {
        NewTokens first = additions.get(from);
        int to = from + 1;
        while (to < additions.size()
                && additions.get(to).slot() == first.slot() + to - from
                && additions.get(to).ids().length == first.ids().length) {
            to++;
        }
        return to;
    }
}
