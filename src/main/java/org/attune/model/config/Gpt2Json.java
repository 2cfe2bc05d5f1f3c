package org.attune.model.config;

import org.attune.files.JsonFields;

import java.util.Collections;
import java.util.Optional;

/// Reads GPT-2's `config.json`, which has its own keys.
final class Gpt2Json {
    private static final double DROPOUT = 0.1; // of absent keys, as in transformers

    private Gpt2Json() {}

    static DecoderConfig parse(JsonFields json, DecoderFamily family) {
        int width = json.size("n_embd", DecoderConfig.MOST_FEATURES);
        int layers = json.size("n_layer", DecoderConfig.MOST_LAYERS);
        int inner = json.size("n_inner", DecoderConfig.MOST_ROWS, Math.multiplyExact(4, width));
        return new DecoderConfig(
                family.modelType(),
                width,
                json.size("vocab_size", DecoderConfig.MOST_ROWS),
                layers,
                new BlockConfig(
                        BlockOrder.SEQUENTIAL,
                        new NormConfig.Layer(json.number("layer_norm_epsilon", 1e-5)),
                        attention(json, width, layers),
                        new FeedForwardConfig(
                                inner,
                                false,
                                ConfigJson.activation(json, "activation_function", "gelu_new"),
                                true)),
                json.flag("tie_word_embeddings", family.absent().tied()),
                new PositionConfig.Learned(),
                new EndsConfig(
                        1,
                        0,
                        Math.max(
                                json.number("resid_pdrop", DROPOUT),
                                json.number("embd_pdrop", DROPOUT))),
                json.size("n_positions", Integer.MAX_VALUE, family.absent().maxPositions()),
                ConfigJson.dtype(json),
                ConfigJson.specialIds(json, family),
                HeadJson.labels(json),
                HeadJson.scoreKind(json),
                Optional.empty());
    }

    private static AttentionConfig attention(JsonFields json, int width, int layers) {
        int heads = json.size("n_head", DecoderConfig.MOST_FEATURES);
        if (width % heads != 0) {
            throw json.invalid("n_head", "a divisor of n_embd, " + width);
        }
        int headDim = width / heads;
        boolean scales = json.flag("scale_attn_weights", true);
        return new AttentionConfig(
                heads,
                heads,
                headDim,
                true,
                true,
                QkNorm.NONE,
                Collections.nCopies(layers, 0),
                json.number("attn_pdrop", DROPOUT),
                scales ? 1 / Math.sqrt(headDim) : 1,
                0);
    }
}
