package org.attune.model.config;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.files.gguf.GgufMetadata;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Keys of configurations that some families have and that change what a decoder computes. A model
/// of a family that doesn't obey one is refused if it has it at a value that matters: passing over
/// it would give other numbers than the model's.
final class UncomputedKeys {
    /// The value of a key at which a decoder of the Llama shape is right.
    private enum Neutral {
        NONE("no such key"),
        ZERO("0"),
        ONE("1"),
        FALSE("false"),
        TRUE("true"),
        /// Every entry 1, as of layers that rotate.
        ALL_ONE("1 for every layer"),
        ACTIVATION("silu, swish"),
        RMS("rms_norm"),
        ROTARY("rope");

        private static final Optional<Activation> SILU = Optional.of(Activation.SILU);

        private final String shown;

        Neutral(String shown) {
            this.shown = shown;
        }

        boolean holds(Object value) {
            return switch (this) {
                case NONE -> false;
                case ZERO -> value instanceof Number n && n.doubleValue() == 0;
                case ONE -> value instanceof Number n && n.doubleValue() == 1;
                case FALSE -> value.equals(false);
                case TRUE -> value.equals(true);
                case ALL_ONE -> value instanceof List<?> all && all.stream().allMatch(ONE::holds);
                case ACTIVATION ->
                        value instanceof String name
                                && (name.equals("swiglu") || Activation.ofName(name).equals(SILU));
                case RMS ->
                        value instanceof String name
                                && name.toLowerCase(Locale.ROOT).startsWith("rms");
                case ROTARY -> value instanceof String name && name.startsWith("rop");
            };
        }
    }

    private static final Map<String, Neutral> JSON = json();
    private static final Map<String, Neutral> GGUF = gguf();

    /// Formats of weights in few bits that are read, as `quant_method` calls them.
    private static final List<String> QUANTISED =
            List.of("bitsandbytes", "gptq", "awq", "fp8", "compressed-tensors");

    private UncomputedKeys() {}

    /// All families' files may be in formats that are read; MXFP4 where a family's own files are.
    static void refuseQuantised(JsonFields json, DecoderFamily family) {
        Optional<JsonFields> quantisation = json.object(ConfigJson.QUANTISATION);
        if (quantisation.isEmpty()) {
            return;
        }
        String method = quantisation.get().text("quant_method", "unknown");
        boolean blocks =
                family.obeyed().contains(ConfigJson.QUANTISATION) && method.equals("mxfp4");
        if (!blocks && !QUANTISED.contains(method)) {
            throw new ModelException(
                    ("%s: the weights are quantised (quantization_config.quant_method %s);"
                         + " accepted: %s, and mxfp4 of gpt-oss. Use the unquantised model"
                         + " (load_in_4bit: true brings it to 4 bits), or a GGUF file")
                            .formatted(json.where(), method, String.join(", ", QUANTISED)));
        }
    }

    private static Map<String, Neutral> json() {
        var keys = new LinkedHashMap<String, Neutral>();
        put(
                keys,
                Neutral.ACTIVATION,
                "hidden_activation",
                "activation_function",
                "activation_type",
                "activation",
                "mlp_hidden_act");
        put(
                keys,
                Neutral.ONE,
                "embedding_multiplier",
                "residual_multiplier",
                "logits_scaling",
                "logit_scale",
                "lm_head_multiplier",
                "scale_emb",
                "rope_ratio",
                "rotary_pct",
                "partial_rotary_factor");
        put(
                keys,
                Neutral.ZERO,
                "attn_logit_softcapping",
                "final_logit_softcapping",
                "num_local_experts",
                "num_experts",
                "n_routed_experts",
                "router_jitter_noise",
                "no_rope_layer_interval",
                "nope_layer_interval",
                "q_lora_rank",
                "kv_lora_rank",
                "num_kv_shared_layers",
                "hidden_size_per_layer_input");
        putFlags(keys);
        put(
                keys,
                Neutral.NONE,
                ConfigJson.CLIP,
                "moe_latent_size",
                "scale_depth",
                "dim_model_base",
                "attention_chunk_size",
                "rope_local_base_freq",
                "num_key_value_heads_per_layer",
                "per_layer_config",
                "block_configs",
                "cross_attention_layers",
                "compression_config",
                "quantization");
        put(keys, Neutral.ALL_ONE, "no_rope_layers");
        put(keys, Neutral.RMS, "norm_type", "normalization", "norm_function");
        put(keys, Neutral.ROTARY, "position_embedding_type");
        return keys;
    }

    private static void putFlags(Map<String, Neutral> keys) {
        put(
                keys,
                Neutral.FALSE,
                "use_qk_norm",
                "qk_norm",
                "qk_layernorm",
                "use_parallel_residual",
                "parallel_attn",
                "alibi",
                "use_alibi",
                "use_attention_sinks",
                "attn_output_gate",
                "use_post_norm",
                "rope_interleave",
                "rope_interleaved",
                "use_bidirectional_attention",
                "add_cross_attention",
                "scale_attn_by_inverse_layer_idx",
                "lm_head_bias",
                "use_bias",
                "attention_k_eq_v",
                "qkv_bias",
                "use_qkv_bias",
                "attention_out_bias");
        put(keys, Neutral.TRUE, "is_causal", "use_rope");
    }

    private static Map<String, Neutral> gguf() {
        var keys = new LinkedHashMap<String, Neutral>();
        put(keys, Neutral.ACTIVATION, "hidden_act", "hidden_activation", "activation_function");
        put(keys, Neutral.ONE, "embedding_scale", "residual_scale", "logit_scale");
        put(
                keys,
                Neutral.ZERO,
                "attn_logit_softcapping",
                "final_logit_softcapping",
                "attention.clamp_kqv",
                "attention.max_alibi_bias",
                "expert_count",
                "nextn_predict_layers",
                "attention.kv_lora_rank",
                "attention.q_lora_rank");
        put(keys, Neutral.FALSE, "use_parallel_residual");
        put(keys, Neutral.TRUE, "attention.causal");
        put(keys, Neutral.NONE, "rope.dimension_sections", "attention.sliding_window_pattern");
        return keys;
    }

    private static void put(Map<String, Neutral> keys, Neutral neutral, String... names) {
        for (String name : names) {
            keys.put(name, neutral);
        }
    }

    /// Refuses a `config.json` that asks for something else.
    ///
    /// @throws ModelException naming key, value and what is accepted
    static void refuse(JsonFields json, DecoderFamily family) {
        JSON.forEach(
                (key, neutral) -> {
                    JsonNode value = json.get(key);
                    boolean own = family.obeyed().contains(key);
                    if (value != null && !own && !neutral.holds(plain(value))) {
                        throw json.invalid(key, accepted(neutral, family.modelType()));
                    }
                });
        family.required()
                .forEach(
                        (key, only) -> {
                            JsonNode value = json.get(key);
                            if (value != null && !only.equals(plain(value))) {
                                throw json.invalid(
                                        key,
                                        "%s; %s models are computed in no other way here"
                                                .formatted(only, family.modelType()));
                            }
                        });
        boolean noBias = family.attentionBias() == DecoderFamily.BiasRule.NONE;
        if (noBias && json.flag("attention_bias", false)) {
            throw json.invalid("attention_bias", accepted(Neutral.FALSE, family.modelType()));
        }
        boolean obeysMlpBias = family.mlpBias().key().equals("mlp_bias");
        if (!obeysMlpBias && !family.mlpBias().absent() && json.flag("mlp_bias", false)) {
            throw json.invalid("mlp_bias", accepted(Neutral.FALSE, family.modelType()));
        }
    }

    /// Refuses another scale of attention scores than `1/√K`.
    ///
    /// @param headDim K
    static void refuseScale(JsonFields json, int headDim) {
        double scale = 1 / Math.sqrt(headDim);
        if (Math.abs(json.number("attention_multiplier", scale) - scale) > 1e-6 * scale) {
            throw json.invalid("attention_multiplier", "1/√%d".formatted(headDim));
        }
        if (json.number("query_pre_attn_scalar", headDim) != headDim) {
            throw json.invalid("query_pre_attn_scalar", "%d, head_dim".formatted(headDim));
        }
    }

    /// Refuses a GGUF file that asks for something else.
    ///
    /// @param prefix of the architecture's keys
    /// @param obeyed keys, without the prefix, that were read
    /// @throws ModelException naming key, value and what is accepted
    static void refuse(GgufMetadata metadata, String prefix, Set<String> obeyed) {
        GGUF.forEach(
                (key, neutral) -> {
                    Object value =
                            obeyed.contains(key) ? null : metadata.values().get(prefix + key);
                    // llama.cpp takes a factor of 0 for none
                    boolean none = neutral == Neutral.ONE && Neutral.ZERO.holds(value);
                    if (value != null && !none && !neutral.holds(value)) {
                        throw metadata.invalid(prefix + key, accepted(neutral, prefix));
                    }
                });
    }

    /// Whether a key of GGUF files is one that some architectures obey.
    static boolean knowsGguf(String key) {
        return GGUF.containsKey(key);
    }

    private static String accepted(Neutral neutral, String family) {
        return "%s; %s models are computed in no other way here".formatted(neutral.shown, family);
    }

    private static Object plain(JsonNode value) {
        if (value.isNumber()) {
            return value.doubleValue();
        }
        if (value.isBoolean()) {
            return value.booleanValue();
        }
        if (value.isArray()) {
            return value.valueStream().map(UncomputedKeys::plain).toList();
        }
        return value.isTextual() ? value.textValue() : value;
    }
}
