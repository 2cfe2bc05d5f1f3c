package org.attune.model;

import org.attune.error.RolloutException;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Arrays;

/// A decoder that reads tokens after those whose keys and values are in a [KvCache]: prompts as a
/// whole, then one token for each of many sequences at once. Borrows the decoder; use it on the
/// engine thread. Nothing outlives a call but its result and what it writes into the cache.
public final class CachedDecoder {
    /// Tokens of a prompt that are computed at once: bounds the memory of attention scores.
    private static final int CHUNK = 256;

    private final Decoder decoder;
    private final FusedLinear.Adapter adapter;

    /// @param adapter which of the decoder's adapters applies
    public CachedDecoder(Decoder decoder, FusedLinear.Adapter adapter) {
        this.decoder = decoder;
        this.adapter = adapter;
    }

    public Decoder decoder() {
        return decoder;
    }

    /// Whether a sequence may start with another's keys and values. Not with RoPE whose frequencies
    /// depend on the length: those in the cache keep the frequencies of their time.
    public boolean mayShare() {
        return !decoder.config().rope().dependsOnLength();
    }

    /// Appends a prompt, or the rest of one, to a slot.
    ///
    /// @param ids at least one
    /// @return logits of the token that follows, float32 `(1, V)`, in the current scope
    /// @throws RolloutException if the cache is too small
    public Tensor prefill(KvCache cache, int slot, int[] ids) {
        int chunk = mayShare() ? CHUNK : Math.max(1, ids.length);
        int start = 0;
        for (; ids.length - start > chunk; start += chunk) {
            try (var _ = TensorScope.open("prefill")) {
                hidden(cache, slot, new int[][] {Arrays.copyOfRange(ids, start, start + chunk)});
            }
        }
        int[] rest = Arrays.copyOfRange(ids, start, ids.length);
        try (var scope = TensorScope.open("prefill")) {
            return scope.keep(logits(hidden(cache, slot, new int[][] {rest}), 1));
        }
    }

    /// Appends one token to each of the slots 0 … B − 1.
    ///
    /// @param ids one per slot, `(B)`
    /// @return logits of the tokens that follow, float32 `(B, V)`, in the current scope
    /// @throws RolloutException if the cache is too small
    public Tensor decode(KvCache cache, int[] ids) {
        int[][] rows = new int[ids.length][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = new int[] {ids[i]};
        }
        try (var scope = TensorScope.open("decode")) {
            return scope.keep(logits(hidden(cache, 0, rows), ids.length));
        }
    }

    /// Reads the same number of tokens for each of consecutive slots.
    ///
    /// @return output of the last block, `(B·n, D)`
    private Tensor hidden(KvCache cache, int firstSlot, int[][] ids) {
        check(cache, firstSlot, ids);
        var step = new CachedStep(decoder, adapter, cache, firstSlot, ids);
        Tensor x = decoder.embedding().value(adapter).indexSelect(0, step.tokens()); // (B·n, D)
        for (int i = 0; i < decoder.blocks().size(); i++) {
            try (var scope = TensorScope.open("block")) {
                Tensor out = scope.keep(step.block(i, x));
                x.close();
                x = out;
            }
        }
        for (int i = 0; i < ids.length; i++) {
            cache.append(firstSlot + i, ids[i]);
        }
        return x;
    }

    private void check(KvCache cache, int firstSlot, int[][] ids) {
        if (ids.length == 0 || ids[0].length == 0) {
            throw new IllegalArgumentException("no token to read");
        }
        if (firstSlot + ids.length > cache.slots()) {
            throw new RolloutException(
                    "%d sequences from slot %d on need more than the cache's %d slots"
                            .formatted(ids.length, firstSlot, cache.slots()));
        }
        int vocabulary = decoder.config().vocabSize();
        for (int i = 0; i < ids.length; i++) {
            int length = cache.length(firstSlot + i) + ids[i].length;
            if (length > cache.capacity()) {
                throw new RolloutException(
                        ("a sequence of %d tokens is too long for a cache of %d; use a shorter"
                                        + " prompt or a larger cache")
                                .formatted(length, cache.capacity()));
            }
            for (int id : ids[i]) {
                if (id < 0 || id >= vocabulary) {
                    throw new RolloutException(
                            "token id %d is not in the vocabulary of %d; is the tokenizer this model's?"
                                    .formatted(id, vocabulary));
                }
            }
        }
    }

    /// Logits after the last row of each of `count` equally long sequences.
    private Tensor logits(Tensor x, int count) {
        long n = x.size(0) / count;
        long width = x.size(1);
        Tensor last =
                x.viewAs(new long[] {count, width}, new long[] {n * width, 1}, (n - 1) * width);
        Tensor h = Tensor.empty(x.device(), x.dtype(), count, width);
        decoder.finalNorm().forward(last, h, adapter);
        return decoder.output().logits(h, adapter); // (B, V)
    }
}
