package org.attune.model.config;

import org.attune.files.JsonFields;

/// What Gemma 2's `config.json` says beyond Llama's: soft caps, the scale of attention scores, the
/// activation of the gates, and embeddings that are scaled by the root of their width.
final class Gemma2Json {
    private static final double SCALAR = 256;
    private static final double ATTENTION_CAP = 50;
    private static final double LOGIT_CAP = 30;

    private Gemma2Json() {}

    static boolean reads(DecoderFamily family) {
        return family.modelType().equals("gemma2");
    }

    static Activation activation(JsonFields json) {
        return ConfigJson.activation(json, "hidden_activation", "gelu_pytorch_tanh");
    }

    /// Of the products of queries and keys.
    static double scale(JsonFields json) {
        double scalar = json.number("query_pre_attn_scalar", SCALAR);
        if (!(scalar > 0)) {
            throw json.invalid("query_pre_attn_scalar", "numbers above 0");
        }
        return 1 / Math.sqrt(scalar);
    }

    static double attentionCap(JsonFields json) {
        return cap(json, "attn_logit_softcapping", ATTENTION_CAP);
    }

    static EndsConfig ends(JsonFields json, int width) {
        return new EndsConfig(Math.sqrt(width), cap(json, "final_logit_softcapping", LOGIT_CAP), 0);
    }

    /// A key that is null means none.
    private static double cap(JsonFields json, String key, double absent) {
        return json.mentions(key) && !json.has(key) ? 0 : json.number(key, absent);
    }
}
