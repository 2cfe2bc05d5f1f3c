package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.model.config.AttentionConfig.Sizes;
import org.junit.jupiter.api.Test;

import java.util.List;

/// Configurations whose layers differ. Values of absent keys are those of transformers' classes.
class VariedJsonTest {
    private static DecoderConfig read(String more) {
        return ConfigJson.parse(
                JsonFields.parse(
                        "config.json",
                        "{\"model_type\":\"gemma4_text\",\"hidden_size\":64,"
                                + "\"intermediate_size\":96,\"vocab_size\":20,"
                                + "\"num_attention_heads\":8,\"num_hidden_layers\":"
                                + more
                                + "}"));
    }

    private static void refuses(String message, String more) {
        var error = assertThrows(ModelException.class, () -> read(more));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void absentKeysHaveTheClassDefaults() {
        DecoderConfig config = read("7");
        AttentionConfig a = config.attention();
        assertEquals(List.of(512, 512, 512, 512, 512, 0, 0), a.windows());
        assertEquals(new Sizes(4, 256, false), a.sizes(0));
        assertEquals(new Sizes(4, 512, false), a.sizes(5));
        assertEquals(1, a.scale());
        assertEquals(new BlockConfig.End(256, 262144, true), config.block().end());
        assertEquals(new RopeScaling.Proportional(0.25, 1), config.rope().scaling());
        assertEquals(1e6, config.rope().theta());
        assertEquals(10000, config.rope().inWindows().theta());
        assertEquals(new RopeScaling.None(), config.rope().inWindows().scaling());
        assertEquals(new NormConfig.Rms(1e-6, 0), config.block().norm());
        assertTrue(config.block().feedForward().experts().isEmpty());
        assertFalse(config.unwritten().isEmpty());
        assertEquals(0, config.ends().softcap());
    }

    /// The last layers attend to the last earlier one with a window, or without one.
    @Test
    void sharedKeysComeFromTheLastLayerOfTheKind() {
        DecoderConfig config =
                read(
                        "12,\"num_kv_shared_layers\":5,\"use_double_wide_mlp\":true,"
                                + "\"sliding_window\":9,\"global_head_dim\":32");
        assertEquals(
                List.of(0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 5),
                config.attention().varied().orElseThrow().sources());
        assertTrue(config.attention().varied().orElseThrow().lends(5));
        assertFalse(config.attention().varied().orElseThrow().lends(4));
        assertEquals(96, config.block().feedForward().inner(6));
        assertEquals(192, config.block().feedForward().inner(7));
    }

    @Test
    void sizesOfLayersAreReadInBothStyles() {
        String old = "6,\"attention_k_eq_v\":true,\"num_global_key_value_heads\":2";
        Sizes full = new Sizes(2, 512, true);
        assertEquals(full, read(old).attention().sizes(5));
        String later =
                "6,\"attention_k_eq_v\":true,\"per_layer_config\":{\"5\":{\"head_dim\":512,"
                        + "\"num_key_value_heads\":2}}";
        assertEquals(full, read(later).attention().sizes(5));
        assertEquals(new Sizes(4, 256, false), read(later).attention().sizes(0));
        // Without values that are keys, the number of key heads isn't obeyed.
        assertEquals(
                new Sizes(4, 512, false),
                read("6,\"num_global_key_value_heads\":2").attention().sizes(5));
    }

    @Test
    void whatIsNotComputedIsRefused() {
        refuses("num_kv_shared_layers", "6,\"num_kv_shared_layers\":6");
        refuses("there is none; lower num_kv_shared_layers", "6,\"num_kv_shared_layers\":1");
        refuses(
                "per_layer_config.0.q_lora_rank",
                "6,\"per_layer_config\":{\"0\":{\"q_lora_rank\":3}}");
        refuses("per_layer_config.7", "6,\"per_layer_config\":{\"7\":{}}");
        refuses("equal sizes", "6,\"per_layer_config\":{\"0\":{\"head_dim\":8}}");
        refuses("vocab_size_per_layer_input", "6,\"vocab_size_per_layer_input\":10");
        refuses("use_bidirectional_attention", "6,\"use_bidirectional_attention\":\"all\"");
        read("6,\"use_bidirectional_attention\":\"vision\"");
        refuses("no multiple", "6,\"attention_k_eq_v\":true,\"num_global_key_value_heads\":3");
    }
}
