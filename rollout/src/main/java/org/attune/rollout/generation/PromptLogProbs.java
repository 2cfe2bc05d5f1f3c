package org.attune.rollout.generation;

import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.rollout.TopTokens;
import org.attune.rollout.sampling.BatchSampler;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Log-probabilities of a text's own tokens, each given those before it. From any thread; a long
/// text is read piece by piece, so that others get their turn on the engine.
///
/// @param values natural log-probability of each token but the first, `(T − 1)`
/// @param top likeliest tokens in the place of each token but the first
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record PromptLogProbs(float[] values, List<TopTokens> top) {
    private static final int PIECE = 128; // rows of logits at once

    /// Reads a text.
    ///
    /// @param adapter which of the decoder's adapters applies
    /// @param ids at least one
    /// @param most how many of the likeliest tokens are told, ≥ 0
    /// @throws org.attune.error.RolloutException if an id isn't in the vocabulary
    public static PromptLogProbs of(Decoder decoder, Adapter adapter, int[] ids, int most) {
        var reader = new CachedDecoder(decoder, adapter);
        float[] values = new float[ids.length - 1];
        List<TopTokens> top = new ArrayList<>();
        if (values.length == 0) {
            return new PromptLogProbs(values, top);
        }
        KvCache cache = Engine.call(() -> reader.newCache(1, values.length));
        try {
            int piece = reader.mayShare() ? PIECE : values.length;
            for (int at = 0; at < values.length; at += piece) {
                int from = at;
                int to = Math.min(values.length, at + piece);
                Engine.run(() -> read(reader, cache, ids, from, to, most, values, top));
            }
        } finally {
            Engine.run(cache::close);
        }
        return new PromptLogProbs(values, top);
    }

    private static void read(
            CachedDecoder reader,
            KvCache cache,
            int[] ids,
            int from,
            int to,
            int most,
            float[] values,
            List<TopTokens> top) {
        try (var _ = TensorScope.open("prompt")) {
            Tensor logProbs =
                    reader.readEach(cache, new NewTokens(0, Arrays.copyOfRange(ids, from, to)))
                            .to(DType.FLOAT32)
                            .logSoftmax(Tensor.LAST); // (N, V)
            long[] next = Arrays.stream(ids, from + 1, to + 1).asLongStream().toArray();
            Tensor where = Tensor.of(logProbs.device(), next, next.length, 1); // (N, 1)
            float[] own = logProbs.gather(1, where).toFloats();
            System.arraycopy(own, 0, values, from, own.length);
            if (most > 0) {
                top.addAll(BatchSampler.likeliest(logProbs, most));
            }
        }
    }
}
