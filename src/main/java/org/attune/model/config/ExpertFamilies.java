package org.attune.model.config;

import org.attune.model.config.DecoderFamily.BiasRule;
import org.attune.model.config.DecoderFamily.WindowRule;
import org.attune.model.config.ExpertRule.DenseRule;
import org.attune.model.config.ExpertRule.Key;
import org.attune.model.config.ExpertRule.RouterRule;
import org.attune.model.config.ExpertRule.SharedRule;
import org.attune.model.config.ExpertsConfig.RouterConfig;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Families whose feed-forward parts are experts that each token chooses from.
final class ExpertFamilies {
    static final List<DecoderFamily> TABLE =
            List.of(
                    FamilyRow.named("mixtral", "MixtralForCausalLM")
                            .expertsByName()
                            .window(WindowRule.ALL_LAYERS, 0)
                            .experts(
                                    listed(
                                            new Key(8, "num_local_experts", "num_experts"),
                                            2,
                                            new Key(0, "intermediate_size"),
                                            new SharedRule.None(),
                                            RouterRule.SHARES,
                                            0.001))
                            .names(ExpertNames.MIXTRAL_EXPERTS)
                            .epsilon(1e-5)
                            .heads(8)
                            .positions(131072, 1e6)
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("qwen2_moe", "Qwen2MoeForCausalLM")
                            .attentionBias(BiasRule.QKV_IF_CONFIGURED)
                            .biasKey("qkv_bias", true)
                            .window(WindowRule.UPPER_LAYERS)
                            .experts(
                                    listed(
                                            new Key(60, "num_experts", "num_local_experts"),
                                            4,
                                            new Key(1408, "moe_intermediate_size"),
                                            new SharedRule.Width(
                                                    "shared_expert_intermediate_size", 5632),
                                            RouterRule.SOFTMAX,
                                            0.001))
                            .names(ExpertNames.QWEN_EXPERTS)
                            .heads(16)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("qwen3_moe", "Qwen3MoeForCausalLM")
                            .expertsByName()
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.HEADS)
                            .window(WindowRule.UPPER_LAYERS)
                            .experts(
                                    listed(
                                            new Key(128, "num_experts", "num_local_experts"),
                                            8,
                                            new Key(768, "moe_intermediate_size"),
                                            new SharedRule.None(),
                                            RouterRule.SOFTMAX,
                                            0.001))
                            .names(ExpertNames.QWEN_EXPERTS)
                            .heads(4)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("olmoe", "OlmoeForCausalLM")
                            .expertsByName()
                            .obeyed(ConfigJson.CLIP)
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.TOGETHER)
                            .experts(
                                    listed(
                                            new Key(64, "num_experts", "num_local_experts"),
                                            8,
                                            new Key(0, "intermediate_size"),
                                            new SharedRule.None(),
                                            RouterRule.SOFTMAX,
                                            0.01))
                            .names(ExpertNames.QWEN_EXPERTS)
                            .epsilon(1e-5)
                            .positions(4096, 10000)
                            .ends(50279)
                            .pad(1)
                            .row(),
                    FamilyRow.named("gpt_oss", "GptOssForCausalLM")
                            .readBy(ConfigJson::parseScaled)
                            .attentionBias(BiasRule.UNLESS_CONFIGURED)
                            .sinks()
                            .window(WindowRule.ALTERNATING, 128)
                            .experts(gptOss())
                            .names(ExpertNames.GPT_OSS_EXPERTS)
                            .obeyed("quantization_config")
                            .epsilon(1e-5)
                            .heads(8)
                            .headDim(64)
                            .positions(131072, 150000)
                            .ends()
                            .row(),
                    granite("granitemoe", "GraniteMoeForCausalLM", new SharedRule.None()),
                    granite(
                            "granitemoeshared",
                            "GraniteMoeSharedForCausalLM",
                            new SharedRule.Width("shared_intermediate_size", 0)),
                    FamilyRow.named("ernie4_5_moe", "Ernie4_5_MoeForCausalLM")
                            .expertsByName()
                            .neighbours()
                            .experts(
                                    new ExpertRule(
                                            new Key(64, "moe_num_experts", "num_experts"),
                                            new Key(6, "moe_k", "num_experts_per_tok"),
                                            new Key(1536, "moe_intermediate_size"),
                                            new SharedRule.Times("moe_num_shared_experts", 2),
                                            DenseRule.RANGE,
                                            1,
                                            new RouterRule(
                                                    corrected(
                                                            new RouterConfig.Scores.Softmax(),
                                                            new RouterConfig.Weights(
                                                                    true, 0, 1e-12, 1)),
                                                    Optional.empty(),
                                                    OptionalInt.empty()),
                                            false,
                                            0.001))
                            .names(ExpertNames.ERNIE_EXPERTS)
                            .epsilon(1e-5)
                            .heads(4)
                            .positions(131072, 500000)
                            .tokens(1, 2)
                            .pad(0)
                            .tied()
                            .row(),
                    FamilyRow.named("minimax_m2", "MiniMaxM2ForCausalLM")
                            .expertsByName()
                            .qkNorm(QkNorm.TOGETHER)
                            .rotatesShare(1)
                            .obeyed("rotary_dim")
                            .requires("use_qk_norm", true)
                            .requires("qk_norm_type", "per_layer")
                            .requires("use_routing_bias", true)
                            .experts(
                                    new ExpertRule(
                                            new Key(256, "num_local_experts", "num_experts"),
                                            ExpertRule.CHOSEN.or(8),
                                            new Key(0, "intermediate_size"),
                                            new SharedRule.None(),
                                            DenseRule.NONE,
                                            0,
                                            new RouterRule(
                                                    corrected(
                                                            new RouterConfig.Scores.Sigmoid(),
                                                            RouterConfig.Weights.SHARES),
                                                    Optional.empty(),
                                                    OptionalInt.empty()),
                                            false,
                                            0.001))
                            .names(ExpertNames.MINIMAX_EXPERTS)
                            .heads(8)
                            .headDim(128)
                            .positions(196608, 5e6)
                            .tokens(200034, 200020)
                            .row(),
                    FamilyRow.named("deepseek_v3", "DeepseekV3ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .expertsByName()
                            .latent()
                            .neighbours()
                            .obeyed("rope_interleave")
                            .experts(
                                    deepSeek(
                                            256,
                                            8,
                                            2048,
                                            1,
                                            DenseRule.FIRST,
                                            3,
                                            RouterRule.deepSeek(true, 8, 2.5)))
                            .names(ExpertNames.DEEPSEEK_EXPERTS)
                            .heads(128)
                            .positions(4096, 10000)
                            .tokens(0, 1)
                            .row(),
                    FamilyRow.named("glm4_moe_lite", "Glm4MoeLiteForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .expertsByName()
                            .latent()
                            .neighbours()
                            .obeyed("rope_interleave")
                            .experts(
                                    deepSeek(
                                            64,
                                            4,
                                            1536,
                                            1,
                                            DenseRule.TYPED,
                                            1,
                                            RouterRule.deepSeek(true, 1, 1.8)))
                            .names(ExpertNames.DEEPSEEK_EXPERTS)
                            .epsilon(1e-5)
                            .heads(20)
                            .positions(202752, 10000)
                            .tokens(0, 1)
                            .row(),
                    FamilyRow.named("glm4_moe", "Glm4MoeForCausalLM")
                            .expertsByName()
                            .attentionBias(BiasRule.QKV_IF_CONFIGURED)
                            .qkNormIf(QkNorm.HEADS, "use_qk_norm")
                            .rotatesShare(0.5)
                            .experts(
                                    deepSeek(
                                            128,
                                            8,
                                            1408,
                                            1,
                                            DenseRule.FIRST,
                                            1,
                                            RouterRule.deepSeek(true, 1, 1)))
                            .names(ExpertNames.DEEPSEEK_EXPERTS)
                            .epsilon(1e-5)
                            .heads(8)
                            .positions(131072, 10000)
                            .ends()
                            .row(),
                    FamilyRow.named("dots1", "Dots1ForCausalLM")
                            .expertsByName()
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.HEADS)
                            .window(WindowRule.UPPER_UNLESS_NULL)
                            .experts(
                                    deepSeek(
                                            0,
                                            0,
                                            1408,
                                            0,
                                            DenseRule.FIRST,
                                            0,
                                            RouterRule.deepSeek(false, 1, 1)))
                            .names(ExpertNames.DEEPSEEK_EXPERTS)
                            .heads(32)
                            .positions(2048, 10000)
                            .ends()
                            .row(),
                    FamilyRow.named("hunyuan_v1_moe", "HunYuanMoEV1ForCausalLM")
                            .expertsByName()
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.ROTATED)
                            .requires("use_qk_norm", true)
                            .obeyed("alpha")
                            .experts(hunyuan())
                            .names(ExpertNames.HUNYUAN_EXPERTS)
                            .epsilon(1e-5)
                            .tokens(1, 2)
                            .pad(0)
                            .row(),
                    FamilyRow.named("phimoe", "PhimoeForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .norms("rms_norm_eps", NormConfig.Layer::new)
                            .outputBias()
                            .requires("lm_head_bias", true)
                            .requires("input_jitter_noise", 0.0)
                            .requires("num_experts_per_tok", 2.0)
                            .window(WindowRule.ALL_LAYERS, 0)
                            .experts(phi())
                            .obeyed("router_jitter_noise")
                            .names(ExpertNames.MIXTRAL_EXPERTS)
                            .epsilon(1e-5)
                            .heads(8)
                            .positions(131072, 1e6)
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("llama4_text", "Llama4ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNormUnless(QkNorm.ROTATED_BARE, "use_qk_norm")
                            .neighbours()
                            .rotation(DecoderFamily.RotationRule.SOME_STILL)
                            .window(WindowRule.CHUNKED)
                            .obeyed(
                                    "attention_chunk_size",
                                    "attn_temperature_tuning",
                                    "intermediate_size_mlp")
                            .inner(
                                    json ->
                                            json.size(
                                                    "intermediate_size_mlp",
                                                    DecoderConfig.MOST_FEATURES,
                                                    16384))
                            .experts(llama4())
                            .names(ExpertNames.LLAMA4_EXPERTS)
                            .epsilon(1e-5)
                            .heads(8)
                            .headDim(128)
                            .positions(131072, 500000)
                            .tokens(1, 2)
                            .row());

    private ExpertFamilies() {}

    /// The shared expert is as wide as the others, which no key says.
    private static ExpertRule hunyuan() {
        return new ExpertRule(
                new Key(1, "num_experts", "num_local_experts"),
                new Key(1, "moe_topk", "num_experts_per_tok"),
                new Key(0, "intermediate_size"),
                new SharedRule.Times("", 1),
                DenseRule.NONE,
                0,
                RouterRule.SHARES,
                false,
                0);
    }

    /// Sigmoids of the best logits multiply what experts read.
    private static ExpertRule llama4() {
        var router =
                new RouterConfig(
                        new RouterConfig.Scores.Sigmoid(),
                        false,
                        false,
                        1,
                        1,
                        RouterConfig.Weights.PLAIN,
                        true);
        return new ExpertRule(
                new Key(16, "num_local_experts", "num_experts"),
                ExpertRule.CHOSEN.or(1),
                new Key(8192, "intermediate_size"),
                new SharedRule.Times("", 1),
                DenseRule.INTERLEAVED,
                0,
                new RouterRule(router, Optional.empty(), OptionalInt.empty()),
                false,
                0);
    }

    /// Training chooses as generation does. transformers draws among the best ones there.
    private static ExpertRule phi() {
        var router =
                new RouterConfig(
                        new RouterConfig.Scores.SparseMixer(0.01),
                        false,
                        false,
                        1,
                        1,
                        RouterConfig.Weights.PLAIN,
                        false);
        return new ExpertRule(
                new Key(16, "num_local_experts", "num_experts"),
                ExpertRule.CHOSEN,
                new Key(0, "intermediate_size"),
                new SharedRule.None(),
                DenseRule.NONE,
                0,
                new RouterRule(router, Optional.empty(), OptionalInt.empty()),
                false,
                0.001);
    }

    /// @param experts value of an absent `n_routed_experts`; 0: the key must be there
    private static ExpertRule deepSeek(
            int experts,
            int chosen,
            int inner,
            int shared,
            DenseRule dense,
            int first,
            RouterRule router) {
        return new ExpertRule(
                new Key(experts, "n_routed_experts", "num_local_experts"),
                ExpertRule.CHOSEN.or(chosen),
                new Key(inner, "moe_intermediate_size"),
                new SharedRule.Times("n_shared_experts", shared),
                dense,
                first,
                router,
                false,
                0);
    }

    private static ExpertRule listed(
            Key count, int chosen, Key inner, SharedRule shared, RouterRule router, double loss) {
        return new ExpertRule(
                count,
                ExpertRule.CHOSEN.or(chosen),
                inner,
                shared,
                DenseRule.LISTED,
                0,
                router,
                false,
                loss);
    }

    private static RouterConfig corrected(
            RouterConfig.Scores scores, RouterConfig.Weights weights) {
        return new RouterConfig(scores, false, true, 1, 1, weights, false);
    }

    private static DecoderFamily granite(String modelType, String architecture, SharedRule shared) {
        return FamilyRow.named(modelType, architecture)
                .attentionBias(BiasRule.IF_CONFIGURED)
                .multiplies()
                .experts(
                        new ExpertRule(
                                new Key(8, "num_local_experts", "num_experts"),
                                ExpertRule.CHOSEN,
                                new Key(0, "intermediate_size"),
                                shared,
                                DenseRule.NONE,
                                0,
                                RouterRule.SHARES,
                                false,
                                0.001))
                .names(ExpertNames.GRANITE_EXPERTS)
                .tokens(1, 2)
                .row();
    }

    /// A softmax over the chosen logits is one over all, renormalised.
    private static ExpertRule gptOss() {
        var router =
                new RouterConfig(
                        new RouterConfig.Scores.Softmax(),
                        true,
                        false,
                        1,
                        1,
                        RouterConfig.Weights.SHARES,
                        false);
        return new ExpertRule(
                new Key(128, "num_local_experts", "num_experts"),
                ExpertRule.CHOSEN.or(4),
                new Key(0, "intermediate_size"),
                new SharedRule.None(),
                DenseRule.NONE,
                0,
                new RouterRule(router, Optional.empty(), OptionalInt.empty()),
                true,
                0.001);
    }
}
