package org.attune.model.decode;

import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.FlashAttention;
import org.attune.tensor.FlashAttention.Entries;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Optional;

/// Attention of new tokens over a [KvCache] by [FlashAttention], over the cache as it stands: one
/// call, in which each sequence sees its own slot. Where sequences beside each other begin alike,
/// such as completions of one prompt, and that spares enough reading, there are two calls. One sees
/// the shared beginnings, each of which is read once for all its sequences; one sees what follows
/// in each slot. Their results are joined. What it makes lives in the scope in which it is made.
///
/// Shapes: `N` new tokens, `CG` query heads, `K` head size.
final class FlashCache {
    /// Bytes of keys and values of a block from which sharing pays. A GPU that reads 3 TB/s needs
    /// 20 µs for them, about as long as the launches of a second call and of joining. An estimate:
    /// never measured on a GPU.
    static final long WORTH = 64L << 20;

    private final KvCache cache;
    private final DecoderConfig config;
    private final Entries whole;
    private final Optional<Split> split;

    /// @param beginnings what sequences share, not causal: all new tokens come later
    /// @param rest what follows in each slot
    private record Split(Entries beginnings, Entries rest) {}

    /// @param additions new tokens of different slots
    /// @param worth bytes of a block that sharing must spare
    FlashCache(Decoder decoder, KvCache cache, List<NewTokens> additions, long worth) {
        this.cache = cache;
        config = decoder.config();
        Device device = decoder.device();
        int count = additions.size();
        int[] queries = new int[count + 1];
        int[] slots = new int[count];
        int[] used = new int[count];
        for (int i = 0; i < count; i++) {
            NewTokens addition = additions.get(i);
            queries[i + 1] = queries[i] + addition.ids().length;
            slots[i] = addition.slot();
            used[i] = cache.held(addition.slot()) + addition.ids().length;
        }
        int[] none = new int[count];
        whole = Entries.inCache(device, queries, firstRows(slots, none), used);
        SharedRuns runs = SharedRuns.of(cache, slots);
        split =
                pays(runs, config, decoder.dtype(), worth)
                        ? Optional.of(split(device, runs, queries, slots, used))
                        : Optional.empty();
    }

    private static boolean pays(SharedRuns runs, DecoderConfig config, DType dtype, long worth) {
        return runs.spared() > 0 && runs.spared() * tokenBytes(config, dtype) >= worth;
    }

    /// Whether sequences share beginnings that are worth reading once.
    ///
    /// @param slots of the sequences
    /// @param worth bytes of a block that sharing must spare
    static boolean shares(Decoder decoder, KvCache cache, int[] slots, long worth) {
        return pays(SharedRuns.of(cache, slots), decoder.config(), decoder.dtype(), worth);
    }

    private Split split(Device device, SharedRuns runs, int[] queries, int[] slots, int[] used) {
        int count = runs.ends().length;
        int[] starts = new int[count + 1];
        int[] first = new int[count];
        int[] shared = new int[slots.length];
        int[] rest = new int[slots.length];
        int at = 0;
        for (int run = 0; run < count; run++) {
            first[run] = cache.firstRow(slots[at]);
            for (; at < runs.ends()[run]; at++) {
                shared[at] = runs.lengths()[run];
                rest[at] = used[at] - shared[at];
            }
            starts[run + 1] = queries[at];
        }
        return new Split(
                Entries.inCache(device, starts, first, runs.lengths()).seeingAll(),
                Entries.inCache(device, queries, firstRows(slots, shared), rest));
    }

    private int[] firstRows(int[] slots, int[] skipped) {
        int[] rows = new int[slots.length];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = cache.firstRow(slots[i]) + skipped[i];
        }
        return rows;
    }

    /// Bytes of a token's keys and values in a block.
    private static long tokenBytes(DecoderConfig config, DType dtype) {
        return 2L * config.kvHeads() * config.headDim() * dtype.bytes();
    }

    /// Whether beginnings are read once for all that share them.
    boolean shares() {
        return split.isPresent();
    }

    /// @param queries rotated, `(N, CG, K)`
    /// @param scale of the scores
    /// @param window tokens that one sees, 0: all
    /// @return `(N, CG, K)`
    Tensor attend(Tensor queries, int layer, double scale, int window) {
        if (split.isEmpty() || window > 0) {
            return attend(queries, layer, whole, scale, window).out();
        }
        return FlashAttention.joined(
                List.of(
                        attend(queries, layer, split.get().beginnings(), scale, 0),
                        attend(queries, layer, split.get().rest(), scale, 0)));
    }

    private FlashAttention.Result attend(
            Tensor queries, int layer, Entries entries, double scale, int window) {
        return FlashAttention.forward(
                queries, cache.keyRows(layer), cache.valueRows(layer), entries, scale, window);
    }
}
