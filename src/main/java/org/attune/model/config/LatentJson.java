package org.attune.model.config;

import org.attune.files.JsonFields;

import java.util.Optional;
import java.util.OptionalInt;

/// Reads the sizes of latent attention.
final class LatentJson {
    private LatentJson() {}

    static AttentionConfig.Latent read(JsonFields json, int heads) {
        int most = DecoderConfig.MOST_FEATURES;
        return new AttentionConfig.Latent(
                json.has("q_lora_rank")
                        ? OptionalInt.of(json.size("q_lora_rank", most))
                        : OptionalInt.empty(),
                json.size("kv_lora_rank", most),
                json.size("qk_nope_head_dim", most),
                json.size("qk_rope_head_dim", most),
                json.size("v_head_dim", most, json.size("hidden_size", most) / heads));
    }

    /// `1/√K`, and with scaled positions times the square of YaRN's temperature.
    ///
    /// @param headDim `K`
    static double scale(JsonFields json, int headDim) {
        Optional<JsonFields> scaling =
                json.object("rope_scaling").or(() -> json.object("rope_parameters"));
        double plain = 1 / Math.sqrt(headDim);
        if (scaling.isEmpty()) {
            return plain;
        }
        JsonFields s = scaling.get();
        String type = s.text(s.has("rope_type") ? "rope_type" : "type", "default");
        double all = s.number("mscale_all_dim", 0);
        if (type.equals("default") || all == 0) {
            return plain;
        }
        double temperature = RopeJson.yarnScale(s.number("factor"), all);
        return plain * temperature * temperature;
    }
}
