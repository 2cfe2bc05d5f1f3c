package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Files that llama.cpp wouldn't load aren't written.
class GgufLoadsTest {
    private static final String LLAMA3 =
            "'rope_parameters': {'rope_type': 'llama3', 'rope_theta': 10000, 'factor': 8,"
                    + " 'low_freq_factor': 1, 'high_freq_factor': 4,"
                    + " 'original_max_position_embeddings': 16}";
    private static final String LONG =
            "'rope_parameters': {'rope_type': 'longrope', 'rope_theta': 10000,"
                    + " 'original_max_position_embeddings': 32, 'short_factor': [1, 2, 2, 2],"
                    + " 'long_factor': [2, 3, 3, 3]}";
    private static final String LINEAR =
            "'rope_parameters': {'rope_type': 'linear', 'rope_theta': 10000, 'factor': 2}";

    private static final String YARN = LINEAR.replace("linear", "yarn");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    qwen3       | "attention_bias": true                | queries
                    olmo2       | "attention_bias": true                | queries
                    seed_oss    | "attention_out_bias": true            | attn_output
                    seed_oss    | "mlp_bias": true                      | mlp_bias
                    starcoder2  | "use_bias": false                     | no biases of queries
                    ernie4_5    | "use_bias": true                      | queries
                    qwen3       | LLAMA3                                | llama3
                    granite     | LONG                                  | longrope
                    olmoe       | "num_key_value_heads": 2              | key heads
                    cohere2     | "head_dim": 12                         | hidden_size
                    mamba2      | "use_conv_bias": false, "num_heads": 8, "head_dim": 8               | no biases of conv
                    mamba2      | "use_bias": true, "num_heads": 8, "head_dim": 8                      | state space
                    lfm2        | "conv_bias": true                     | conv_bias
                    deepseek_v3 | LINEAR, "kv_lora_rank": 8, "q_lora_rank": 8, "qk_nope_head_dim": 4, "qk_rope_head_dim": 4, "v_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 1, "n_group": 1, "topk_group": 1, "moe_intermediate_size": 8                                | positions scaled
                    deepseek_v3 | YARN, "kv_lora_rank": 8, "q_lora_rank": 8, "qk_nope_head_dim": 4, "qk_rope_head_dim": 4, "v_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 1, "n_group": 1, "topk_group": 1, "moe_intermediate_size": 8 | positions scaled
                    deepseek_v3 | "attention_bias": true, "kv_lora_rank": 8, "q_lora_rank": 8, "qk_nope_head_dim": 4, "qk_rope_head_dim": 4, "v_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 1, "n_group": 1, "topk_group": 1, "moe_intermediate_size": 8 | queries
                    minicpm3    | "mlp_bias": true, "kv_lora_rank": 8, "q_lora_rank": 8, "qk_nope_head_dim": 4, "qk_rope_head_dim": 4, "v_head_dim": 8 | mlp_bias
                    kimi_linear | "attention_bias": true, "linear_attn_config": {"full_attn_layers": [2], "kda_layers": [1], "num_heads": 4, "head_dim": 8, "short_conv_kernel_size": 4}, "kv_lora_rank": 8, "qk_nope_head_dim": 4, "qk_rope_head_dim": 4, "v_head_dim": 8, "num_experts": 4, "num_experts_per_token": 1, "moe_intermediate_size": 8 | latent attention
                    olmoe       | "clip_qkv": 2                         | clip_qkv
                    phi         | "qk_layernorm": true                  | qk_layernorm
                    lfm2        | "layer_types": ["conv", "conv"]       | attention in no layer
                    lfm2        | "layer_types": ["full_attention", "full_attention"] | attention in all
                    ernie4_5_moe | "moe_num_experts": 4, "moe_k": 1, "num_hidden_layers": 3, "moe_layer_interval": 2, "moe_layer_start_index": 0              | behind the first
                    """)
    void isRefused(String type, String more, String named) {
        DecoderConfig config = config(type, more);
        var e = assertThrows(ModelException.class, () -> new GgufKeys(config, "m"));
        assertTrue(e.getMessage().contains(named), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    llama       | "attention_bias": true, "mlp_bias": true
                    granite     | LLAMA3
                    phi3        | LONG
                    qwen3       | LINEAR
                    seed_oss    | "attention_bias": true
                    starcoder2  | "use_bias": true
                    lfm2        | "layer_types": ["conv", "full_attention"]
                    """)
    void isWritten(String type, String more) {
        assertFalse(new GgufKeys(config(type, more), "m").pairs().isEmpty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt_neox", "minimax_m2", "olmo2", "phi", "stablelm"})
    void someFilesHaveTheEmbeddingTwice(String type) {
        DecoderConfig config = config(type, "\"tie_word_embeddings\": true");
        assertTrue(config.tieWordEmbeddings());
        assertFalse(GgufKeys.filed(config).tieWordEmbeddings());
        DecoderConfig llama = config("llama", "\"tie_word_embeddings\": true");
        assertTrue(GgufKeys.filed(llama).tieWordEmbeddings());
    }

    @ParameterizedTest
    @ValueSource(strings = {"cohere2", "gpt_oss"})
    void aWindowIsSaidWhereNoLayerHasOne(String type) {
        String yarn = "'rope_parameters': {'rope_type': 'yarn', 'rope_theta': 1e4, 'factor': 4}, ";
        String rope = type.equals("gpt_oss") ? yarn : "";
        String all = rope + "\"layer_types\": [\"full_attention\", \"full_attention\"]";
        GgufKeys keys = new GgufKeys(config(type, all), "m");
        assertEquals(64L, keys.pairs().get(keys.architecture() + ".attention.sliding_window"));
    }

    private static DecoderConfig config(String type, String more) {
        String own =
                more.replace("LLAMA3", LLAMA3)
                        .replace("LONG", LONG)
                        .replace("LINEAR", LINEAR)
                        .replace("YARN", YARN)
                        .replace('\'', '"');
        String tied = type.startsWith("cohere") ? "\"tie_word_embeddings\": true, " : "";
        return ConfigJson.parse(
                JsonFields.parse(
                        "test",
                        """
                        {%s %s, "model_type": "%s", %s "vocab_size": 40, "hidden_size": 32,
                        "num_attention_heads": 4, %s "intermediate_size": 24, "max_position_embeddings": 64,
                        "rms_norm_eps": 1e-5}\
                        """
                                .formatted(tied, own, type, layers(own), heads(own))));
    }

    private static String layers(String own) {
        return own.contains("num_hidden_layers") ? "" : "\"num_hidden_layers\": 2,";
    }

    private static String heads(String own) {
        return own.contains("num_key_value_heads") ? "" : "\"num_key_value_heads\": 4,";
    }
}
