package org.attune.policy;

import org.attune.files.JsonFields;
import org.attune.model.config.ConfigJson;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.function.Function;

/// Halves of blocks that are written by hand for states and gated attention, against ordinary
/// operators with autograd.
class StateHalvesTest {
    private static final String HEADS =
            "\"vocab_size\":31,\"hidden_size\":32,\"num_hidden_layers\":2,\"pad_token_id\":null,"
                    + "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":16,"
                    + "\"intermediate_size\":48,\"max_position_embeddings\":256,";

    private static final String EXPERTS =
            ",\"num_experts\":3,\"num_experts_per_tok\":2,\"moe_intermediate_size\":12,"
                    + "\"shared_expert_intermediate_size\":8,\"norm_topk_prob\":true";

    private static DecoderConfig read(String type, String more) {
        String text = "{\"model_type\":\"%s\",%s%s}".formatted(type, HEADS, more);
        return ConfigJson.parse(JsonFields.parse("test", text));
    }

    private static String delta(int keyHeads, int heads, int keyDim, int valueDim, int taps) {
        return ("\"full_attention_interval\":2,\"linear_num_key_heads\":%d,"
                        + "\"linear_num_value_heads\":%d,\"linear_key_head_dim\":%d,"
                        + "\"linear_value_head_dim\":%d,\"linear_conv_kernel_dim\":%d")
                .formatted(keyHeads, heads, keyDim, valueDim, taps);
    }

    private static final List<DecoderConfig> MODELS =
            List.of(
                    read("qwen3_5_text", delta(2, 4, 16, 32, 4)),
                    read("qwen3_5_text", delta(1, 3, 32, 16, 2) + ",\"attention_bias\":true"),
                    read("qwen3_5_text", delta(1, 1, 48, 16, 1)),
                    read("qwen3_5_text", delta(2, 2, 5, 3, 3)), // no kernels
                    read("qwen3_next", delta(2, 4, 16, 32, 3) + EXPERTS),
                    read("lfm2", "\"full_attn_idxs\":[1],\"conv_L_cache\":3,\"conv_bias\":true"),
                    read(
                            "granitemoehybrid",
                            "\"layer_types\":[\"mamba\",\"attention\"],\"num_local_experts\":0,"
                                    + "\"shared_intermediate_size\":12,\"mamba_n_heads\":4,"
                                    + "\"mamba_d_state\":3,\"position_embedding_type\":\"rope\","
                                    + "\"residual_multiplier\":0.5"));

    /// Lengths of a token, of some more than one and two chunks, and of whole chunks.
    private static Tree tree(DecoderConfig config) {
        var tree = new Tree();
        tree.root(TinyModels.tokens("prompt", config, 67));
        tree.child(0, TinyModels.tokens("five", config, 5));
        tree.child(0, TinyModels.tokens("long", config, 41));
        tree.child(1, TinyModels.tokens("grandchild", config, 1));
        tree.root(TinyModels.tokens("other", config, 2));
        tree.child(4, TinyModels.tokens("chunk", config, 32));
        tree.root(TinyModels.tokens("two", config, 64));
        return tree;
    }

    private static void equal(Function<Decoder, Policy> training) {
        for (DecoderConfig config : MODELS) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                Decoder decoder = TinyModels.decoder(config, DType.FLOAT32);
                                Policy policy = training.apply(decoder)) {
                            Tree.Piece piece = tree(config).shared(0, 1, 2, 3, 4, 5, 6);
                            Outcome written = outcome(policy, Recomputation.NONE, false, piece);
                            // Its gradients are up to 22, and a difference in rounding grows.
                            boolean experts = config.block().feedForward().experts().isPresent();
                            double tolerance = experts ? 2e-3 : 2e-4;
                            String what = config.modelType() + " " + config.block().mixers();
                            written.assertEqualTo(
                                    what,
                                    outcome(policy, Recomputation.NONE, true, piece),
                                    tolerance);
                            written.assertEqualTo(
                                    what, outcome(policy, Recomputation.ALL, false, piece), 0);
                        }
                    });
        }
    }

    private static Outcome outcome(
            Policy policy, Recomputation recomputed, boolean plain, Tree.Piece piece) {
        policy.setOptions(new Policy.Options(recomputed, true, 5, plain));
        policy.startStep(1);
        return Outcome.of(policy, List.of(piece));
    }

    @Test
    void adaptersHaveTheSameGradients() {
        var options = new Policy.Options(Recomputation.NONE, true, 5, false);
        equal(decoder -> Outcome.lora(decoder, Outcome.allLinear(0.3), options));
    }

    @Test
    void allWeightsHaveTheSameGradients() {
        var options = new Policy.Options(Recomputation.NONE, true, 5, false);
        equal(decoder -> Policy.withAllWeights(decoder, options));
    }
}
