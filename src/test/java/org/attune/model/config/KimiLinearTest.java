package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.model.config.ExpertsConfig.RouterConfig;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/// Configurations of Kimi Linear. Values of absent keys are those of transformers' class.
class KimiLinearTest {
    private static DecoderConfig read(int layers, String more) {
        return ConfigJson.parse(
                JsonFields.parse(
                        "config.json",
                        "{\"model_type\":\"kimi_linear\",\"hidden_size\":64,\"vocab_size\":20,"
                                + "\"intermediate_size\":96,\"num_attention_heads\":4,"
                                + "\"kv_lora_rank\":12,\"qk_nope_head_dim\":8,"
                                + "\"qk_rope_head_dim\":4,\"v_head_dim\":10,"
                                + "\"num_hidden_layers\":"
                                + layers
                                + more
                                + "}"));
    }

    private static void refuses(String message, String more) {
        var error = assertThrows(ModelException.class, () -> read(3, more));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    private static List<Boolean> attends(DecoderConfig config) {
        return IntStream.range(0, config.layers())
                .mapToObj(layer -> config.parts(layer).attention())
                .toList();
    }

    @Test
    void absentKeysHaveTheClassDefaults() {
        DecoderConfig config = read(6, "");
        assertEquals(List.of(false, false, false, false, true, false), attends(config));
        assertEquals(
                new StateConfig.ChannelDelta(32, 128, 4),
                config.block().mixers().state().orElseThrow());
        assertFalse(config.rotates());
        assertEquals(1 / Math.sqrt(12), config.attention().scale());
        ExpertsConfig experts = config.block().feedForward().experts().orElseThrow();
        assertEquals(
                List.of(256, 8, 1024, 1024),
                List.of(experts.count(), experts.chosen(), experts.inner(), experts.shared()));
        assertEquals(Set.of(0), experts.dense());
        assertEquals(new RouterConfig.Weights(true, 1e-20, 0, 2.446), experts.router().weights());
        assertTrue(config.routerLoss().isEmpty());
        assertEquals(new NormConfig.Rms(1e-5, 0), config.block().norm());
        assertEquals(163839, config.special().pad().orElseThrow());
    }

    @Test
    void layersAreCountedFromOneInTheirOwnLists() {
        DecoderConfig config =
                read(
                        3,
                        ",\"model_max_length\":128,\"moe_renormalize\":false,"
                                + "\"num_experts\":8,\"num_experts_per_token\":3,"
                                + "\"num_shared_experts\":2,\"num_expert_group\":2,"
                                + "\"topk_group\":1,\"moe_intermediate_size\":20,"
                                + "\"linear_attn_config\":{\"full_attn_layers\":[3],"
                                + "\"kda_layers\":[1,2],\"head_dim\":12,\"num_heads\":5,"
                                + "\"short_conv_kernel_size\":3}");
        assertEquals(List.of(false, false, true), attends(config));
        assertEquals(
                new StateConfig.ChannelDelta(5, 12, 3),
                config.block().mixers().state().orElseThrow());
        assertEquals(128, config.maxPositionEmbeddings());
        ExpertsConfig experts = config.block().feedForward().experts().orElseThrow();
        assertEquals(
                List.of(8, 3, 40), List.of(experts.count(), experts.chosen(), experts.shared()));
        assertEquals(2, experts.router().groups());
        assertFalse(experts.router().weights().renormalised());
    }

    @Test
    void otherModelsAreRefused() {
        refuses(
                "all layers but those of full_attn_layers",
                ",\"linear_attn_config\":{\"full_attn_layers\":[3],\"kda_layers\":[1]}");
        refuses("mla_use_nope", ",\"mla_use_nope\":false");
        refuses("moe_layer_freq", ",\"moe_layer_freq\":2");
        refuses("hidden_act", ",\"hidden_act\":\"gelu\"");
        refuses("linear_num_heads", ",\"linear_attn_config\":{\"num_heads\":1000000}");
    }

    /// Files have the names of the model's first code, adapters those of transformers' modules.
    @Test
    void filesCallSomeTensorsOtherwise() {
        TensorNames names = read(2, "").names();
        List<List<String>> both =
                List.of(
                        List.of("mlp.gate.weight", "block_sparse_moe.gate.weight"),
                        List.of("mlp.experts.3.w1.weight", "block_sparse_moe.experts.3.w1.weight"),
                        List.of("self_attn.forget_gate.A_log", "self_attn.A_log"),
                        List.of(
                                "self_attn.forget_gate.f_b_proj.weight",
                                "self_attn.f_b_proj.weight"),
                        List.of("mlp.gate_proj.weight", "mlp.gate_proj.weight"),
                        List.of("self_attn.g_b_proj.weight", "self_attn.g_b_proj.weight"));
        for (List<String> name : both) {
            String module = "model.layers.11." + name.getFirst();
            String file = "model.layers.11." + name.getLast();
            assertEquals(file, names.inFile(module));
            assertEquals(module, names.ofModule(file));
        }
        assertEquals(
                "model.layers.0.mlp.up_proj.weight",
                names.ofModule("model.layers.0.block_sparse_moe.up_proj.weight"));
        assertEquals("lm_head.weight", names.inFile("lm_head.weight"));
    }
}
