package org.attune.model.config;

import org.attune.files.JsonFields;
import org.attune.model.config.ExpertRule.DenseRule;
import org.attune.model.config.ExpertRule.Key;
import org.attune.model.config.ExpertsConfig.RouterConfig;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Families whose blocks mix tokens otherwise than by attention, all of them or some.
final class MixedFamilies {
    private static final TensorNames LFM2 =
            TensorNames.LLAMA
                    .with()
                    .finalNorm("embedding_norm")
                    .norms("operator_norm", "ffn_norm")
                    .qkNorms("self_attn.q_layernorm", "self_attn.k_layernorm")
                    .output("self_attn.out_proj")
                    .up("feed_forward.w1", "feed_forward.w3")
                    .down("feed_forward.w2")
                    .state(
                            new TensorNames.State(
                                    "conv", List.of("in_proj"), "conv", "", "out_proj"))
                    .names();

    private static final TensorNames LFM2_MOE =
            LFM2.withExperts(
                    new TensorNames.Experts(
                            "feed_forward.gate",
                            "feed_forward.experts",
                            List.of("w1", "w3"),
                            "w2",
                            Optional.empty(),
                            "feed_forward.expert_bias",
                            Optional.empty()));

    private static final int MOST = DecoderConfig.MOST_ROWS;

    private static final TensorNames.State IN_BLOCKS =
            linearAttention("in_proj_qkv", "in_proj_z", "in_proj_b", "in_proj_a");

    private static TensorNames.State linearAttention(String... in) {
        return new TensorNames.State("linear_attn", List.of(in), "conv1d", "norm", "out_proj");
    }

    private static final TensorNames MAMBA2 =
            TensorNames.LLAMA
                    .with()
                    .trunk("backbone", "embeddings")
                    .finalNorm("norm_f")
                    .norms("norm")
                    .state(mamba("mixer"))
                    .names();

    private static final TensorNames FALCON =
            TensorNames.LLAMA
                    .with()
                    .finalNorm("final_layernorm")
                    .norms("input_layernorm", "pre_ff_layernorm")
                    .up("feed_forward.gate_proj", "feed_forward.up_proj")
                    .down("feed_forward.down_proj")
                    .state(mamba("mamba"))
                    .names();

    private static final TensorNames GRANITE =
            ExpertNames.GRANITE_EXPERTS
                    .with()
                    .up("shared_mlp.input_linear")
                    .down("shared_mlp.output_linear")
                    .state(mamba("mamba"))
                    .names();

    private static final TensorNames NEMOTRON =
            TensorNames.LLAMA
                    .with()
                    .trunk("backbone", "embeddings")
                    .finalNorm("norm_f")
                    .norms("norm")
                    .qkv("mixer.q_proj", "mixer.k_proj", "mixer.v_proj")
                    .output("mixer.o_proj")
                    .up("mixer.up_proj")
                    .down("mixer.down_proj")
                    .experts(
                            new TensorNames.Experts(
                                    "mixer.gate",
                                    "mixer.experts",
                                    List.of("up_proj"),
                                    "down_proj",
                                    Optional.of(
                                            new TensorNames.Shared(
                                                    "mixer.shared_experts",
                                                    List.of("up_proj"),
                                                    "down_proj",
                                                    "")),
                                    "mixer.gate.e_score_correction_bias",
                                    Optional.empty()))
                    .state(mamba("mixer"))
                    .names();

    /// Modules' names are those of transformers; files have those of the model's first code.
    private static final TensorNames KIMI =
            TensorNames.LLAMA
                    .with()
                    .experts(
                            new TensorNames.Experts(
                                    "mlp.gate",
                                    "mlp.experts",
                                    List.of("w1", "w3"),
                                    "w2",
                                    Optional.of(ExpertNames.SHARED_EXPERTS),
                                    "mlp.gate.e_score_correction_bias",
                                    Optional.empty()))
                    .state(
                            new TensorNames.State(
                                    "self_attn",
                                    List.of(
                                            "q_proj",
                                            "k_proj",
                                            "v_proj",
                                            "b_proj",
                                            "forget_gate.f_a_proj",
                                            "g_a_proj"),
                                    "conv1d",
                                    "o_norm",
                                    "o_proj"))
                    .inFiles(
                            List.of(
                                    ofKimi("mlp.gate.", "block_sparse_moe.gate."),
                                    ofKimi("mlp.experts.", "block_sparse_moe.experts."),
                                    ofKimi("mlp.shared_", "block_sparse_moe.shared_"),
                                    ofKimi("self_attn.forget_gate.f_", "self_attn.f_"),
                                    ofKimi("self_attn.forget_gate.A_log", "self_attn.A_log"),
                                    ofKimi("self_attn.forget_gate.dt_", "self_attn.dt_"),
                                    // as transformers writes dense parts
                                    new TensorNames.InFile("mlp.", "block_sparse_moe.", false)))
                    .names();

    private static TensorNames.InFile ofKimi(String module, String file) {
        return new TensorNames.InFile(module, file, true);
    }

    private static TensorNames.State mamba(String path) {
        return new TensorNames.State(path, List.of("in_proj"), "conv1d", "norm", "out_proj");
    }

    static final List<DecoderFamily> TABLE =
            List.of(
                    FamilyRow.named("lfm2", "Lfm2ForCausalLM")
                            .calls("norm_eps", "rms_norm_eps")
                            .calls("block_ff_dim", "intermediate_size")
                            .calls("tie_embedding", "tie_word_embeddings")
                            .calls("theta", "rope_theta")
                            .mixers(MixersJson::lfm2)
                            .inner(MixedFamilies::lfm2Inner)
                            .qkNorm(QkNorm.HEADS)
                            .names(LFM2)
                            .epsilon(1e-5)
                            .heads(8)
                            .positions(128000, 1e6)
                            .tokens(1, 2)
                            .pad(0)
                            .tied()
                            .row(),
                    FamilyRow.named("qwen3_5_text", "Qwen3_5ForCausalLM")
                            .sharesFrequencies()
                            .attentionBias(DecoderFamily.BiasRule.IF_CONFIGURED)
                            .gatedAttention()
                            .mixers(MixersJson::qwen35)
                            .qkNorm(QkNorm.HEADS)
                            .normOffset(1)
                            .rotatesShare(0.25)
                            .names(TensorNames.LLAMA.withState(IN_BLOCKS))
                            .heads(4)
                            .headDim(256)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("qwen3_5_moe_text", "Qwen3_5MoeForCausalLM")
                            .sharesFrequencies()
                            .attentionBias(DecoderFamily.BiasRule.IF_CONFIGURED)
                            .gatedAttention()
                            .mixers(MixersJson::qwen35)
                            .inner(json -> json.size("moe_intermediate_size", MOST, 512))
                            .experts(
                                    qwenExperts(
                                            256, 8, DenseRule.NONE, ExpertRule.RouterRule.SHARES))
                            .qkNorm(QkNorm.HEADS)
                            .normOffset(1)
                            .rotatesShare(0.25)
                            .names(ExpertNames.QWEN_EXPERTS.withState(IN_BLOCKS))
                            .heads(2)
                            .headDim(256)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("qwen3_next", "Qwen3NextForCausalLM")
                            .expertsByName()
                            .attentionBias(DecoderFamily.BiasRule.IF_CONFIGURED)
                            .gatedAttention()
                            .mixers(MixersJson::qwen3Next)
                            .inner(json -> json.size("intermediate_size", MOST, 5632))
                            .experts(
                                    qwenExperts(
                                            512,
                                            10,
                                            DenseRule.LISTED,
                                            new ExpertRule.RouterRule(
                                                    RouterConfig.softmax(true),
                                                    Optional.of(true),
                                                    OptionalInt.empty())))
                            .qkNorm(QkNorm.HEADS)
                            .normOffset(1)
                            .rotatesShare(0.25)
                            .names(
                                    ExpertNames.QWEN_EXPERTS.withState(
                                            linearAttention("in_proj_qkvz", "in_proj_ba")))
                            .heads(2)
                            .headDim(256)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("lfm2_moe", "Lfm2MoeForCausalLM")
                            .calls("norm_eps", "rms_norm_eps")
                            .calls("tie_embedding", "tie_word_embeddings")
                            .calls("num_dense_layers", "first_k_dense_replace")
                            .calls("theta", "rope_theta")
                            .mixers(MixersJson::lfm2)
                            .inner(json -> json.size("intermediate_size", MOST, 7168))
                            .requires("use_expert_bias", true)
                            .experts(
                                    new ExpertRule(
                                            new Key(32, "num_experts"),
                                            ExpertRule.CHOSEN.or(4),
                                            new Key(1792, "moe_intermediate_size"),
                                            new ExpertRule.SharedRule.None(),
                                            DenseRule.FIRST,
                                            2,
                                            sigmoid(1e-6),
                                            false,
                                            0))
                            .qkNorm(QkNorm.HEADS)
                            .names(LFM2_MOE)
                            .epsilon(1e-5)
                            .heads(8)
                            .positions(128000, 1e6)
                            .tokens(1, 2)
                            .pad(0)
                            .tied()
                            .row(),
                    FamilyRow.named("granitemoehybrid", "GraniteMoeHybridForCausalLM")
                            .attentionBias(DecoderFamily.BiasRule.IF_CONFIGURED)
                            .multiplies()
                            .mixers(MixersJson::granite)
                            .inner(json -> json.size("shared_intermediate_size", MOST, 1024))
                            .expertsIf(json -> json.integer("num_local_experts", 8) != 0)
                            .experts(
                                    new ExpertRule(
                                            new Key(8, "num_local_experts"),
                                            ExpertRule.CHOSEN,
                                            new Key(11008, "intermediate_size"),
                                            new ExpertRule.SharedRule.Width(
                                                    "shared_intermediate_size", 1024),
                                            DenseRule.NONE,
                                            0,
                                            ExpertRule.RouterRule.SHARES,
                                            false,
                                            0.001))
                            .rotatesIf(
                                    json ->
                                            json.text("position_embedding_type", "nope")
                                                    .equals("rope"))
                            .names(GRANITE)
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("nemotron_h", "NemotronHForCausalLM")
                            .readBy(MixedFamilies::readNemotron)
                            .calls("layer_norm_epsilon", "rms_norm_eps")
                            .calls("norm_eps", "rms_norm_eps")
                            .calls("layers_block_type", "layer_types")
                            .attentionBias(DecoderFamily.BiasRule.IF_CONFIGURED)
                            .mlpBias()
                            .obeyed("use_bias")
                            .mixers(MixersJson::nemotron)
                            .inner(json -> json.size("intermediate_size", MOST, 21504))
                            .ungated()
                            .activation("mlp_hidden_act", "relu2")
                            .experts(
                                    new ExpertRule(
                                            new Key(8, "n_routed_experts", "num_local_experts"),
                                            ExpertRule.CHOSEN,
                                            new Key(7688, "moe_intermediate_size"),
                                            new ExpertRule.SharedRule.Width(
                                                    "moe_shared_expert_intermediate_size", 7688),
                                            DenseRule.TYPED,
                                            0,
                                            ExpertRule.RouterRule.deepSeek(true, 1, 1),
                                            false,
                                            0))
                            .rotatesIf(_ -> false)
                            .names(NEMOTRON)
                            .epsilon(1e-5)
                            .heads(8)
                            .headDim(128)
                            .positions(4096, 10000)
                            .tokens(1, 2)
                            .pad(0)
                            .row(),
                    FamilyRow.named("mamba2", "Mamba2ForCausalLM")
                            .calls("layer_norm_epsilon", "rms_norm_eps")
                            .mixers(MixersJson::mamba2)
                            .rotatesIf(_ -> false)
                            .obeyed("use_bias")
                            .names(MAMBA2)
                            .epsilon(1e-5)
                            .positions(1 << 20, 10000) // no longest sequence
                            .tokens(0, 2)
                            .pad(1)
                            .row(),
                    FamilyRow.named("falcon_h1", "FalconH1ForCausalLM")
                            .readBy(MixedFamilies::readFalcon)
                            .attentionBias(DecoderFamily.BiasRule.IF_CONFIGURED)
                            .mlpBias()
                            .mixers(MixersJson::falcon)
                            .obeyed("embedding_multiplier", "lm_head_multiplier")
                            .names(FALCON)
                            .epsilon(1e-5)
                            .heads(8)
                            .positions(8192, 100000)
                            .tokens(1, 2)
                            .pad(0)
                            .row(),
                    FamilyRow.named("kimi_linear", "KimiLinearForCausalLM")
                            .attentionBias(DecoderFamily.BiasRule.IF_CONFIGURED)
                            .calls("model_max_length", "max_position_embeddings")
                            .calls("moe_renormalize", "norm_topk_prob")
                            .calls("num_expert_group", "n_group")
                            .calls("num_experts_per_token", "num_experts_per_tok")
                            .calls("num_shared_experts", "n_shared_experts")
                            .latent()
                            .rotatesIf(_ -> false)
                            .requires("mla_use_nope", true)
                            .requires("moe_layer_freq", 1.0)
                            .requires("moe_router_activation_func", "sigmoid")
                            .mixers(MixersJson::kimi)
                            .experts(kimiExperts())
                            .names(KIMI)
                            .epsilon(1e-5)
                            .positions(1048576, 10000)
                            .tokens(163584, 163586)
                            .pad(163839)
                            .row());

    private static ExpertRule kimiExperts() {
        return new ExpertRule(
                new Key(256, "num_experts", "num_local_experts"),
                ExpertRule.CHOSEN.or(8),
                new Key(1024, "moe_intermediate_size"),
                new ExpertRule.SharedRule.Times("n_shared_experts", 1),
                DenseRule.TYPED,
                1,
                ExpertRule.RouterRule.deepSeek(true, 1, 2.446),
                false,
                0);
    }

    private MixedFamilies() {}

    /// Qwen3-Next's and Qwen3.5's, of which one is shared.
    private static ExpertRule qwenExperts(
            int count, int chosen, DenseRule dense, ExpertRule.RouterRule router) {
        return new ExpertRule(
                new Key(count, "num_experts", "num_local_experts"),
                ExpertRule.CHOSEN.or(chosen),
                new Key(512, "moe_intermediate_size"),
                new ExpertRule.SharedRule.Width("shared_expert_intermediate_size", 512),
                dense,
                0,
                router,
                false,
                0.001);
    }

    /// A corrected sigmoid, whose weights are renormalised unless the key says otherwise.
    ///
    /// @param added to the sum of the chosen
    private static ExpertRule.RouterRule sigmoid(double added) {
        var kind =
                new RouterConfig(
                        new RouterConfig.Scores.Sigmoid(),
                        false,
                        true,
                        1,
                        1,
                        new RouterConfig.Weights(true, added, 0, 1),
                        false);
        return new ExpertRule.RouterRule(kind, Optional.of(true), OptionalInt.of(1));
    }

    /// Nemotron-H says with a letter for each layer, or a list, what is in it, and with neither of
    /// them how many there are.
    private static DecoderConfig readNemotron(JsonFields json, DecoderFamily family) {
        List<String> types = json.texts("layer_types");
        if (types.isEmpty()) {
            types =
                    json.text("hybrid_override_pattern")
                            .chars()
                            .mapToObj(letter -> type(json, (char) letter))
                            .toList();
        }
        return ConfigJson.parse(
                json.with("num_hidden_layers", types.size())
                        .with("layer_types", types)
                        .with(
                                "mlp_layer_types",
                                types.stream()
                                        .map(type -> type.equals("moe") ? "sparse" : "dense")
                                        .toList()),
                family);
    }

    private static String type(JsonFields json, char letter) {
        return switch (letter) {
            case 'M' -> "linear_attention";
            case '*' -> "full_attention";
            case '-' -> "mlp";
            case 'E' -> "moe";
            default -> throw json.invalid("hybrid_override_pattern", "letters of M, *, - and E");
        };
    }

    /// Falcon-H1 has factors at many places. Those of what attention reads and of keys are factors
    /// of its scores, since its projections have no biases then.
    private static DecoderConfig readFalcon(JsonFields json, DecoderFamily family) {
        DecoderConfig plain = ConfigJson.parse(json, family);
        BlockConfig block = plain.block();
        AttentionConfig a = block.attention();
        double in = json.number("attention_in_multiplier", 1);
        double keys = json.number("key_multiplier", 1);
        if (a.qkvBias() && (in != 1 || keys != 1)) {
            throw json.invalid(
                    "attention_bias",
                    "false where attention_in_multiplier or key_multiplier is set");
        }
        List<Double> mlp = json.numbers("mlp_multipliers");
        if (!mlp.isEmpty() && mlp.size() != 2) {
            throw json.invalid("mlp_multipliers", "two: of the gate and of the output");
        }
        FeedForwardConfig f = block.feedForward();
        return plain.with(
                new BlockConfig(
                        block.order(),
                        block.norm(),
                        a.withScale(a.scale() * in * in * keys),
                        f.withFactors(
                                mlp.isEmpty()
                                        ? FeedForwardConfig.Factors.ONES
                                        : new FeedForwardConfig.Factors(mlp.get(0), mlp.get(1))),
                        block.residualScale(),
                        block.mixers()),
                new EndsConfig(
                        json.number("embedding_multiplier", 1),
                        plain.ends().softcap(),
                        plain.ends().dropout(),
                        json.number("lm_head_multiplier", 1)));
    }

    /// Width inside of LFM2's feed-forward parts: two thirds of what the key says, times a factor,
    /// rounded up, unless it is to be taken as it is.
    private static int lfm2Inner(JsonFields json) {
        int inner = json.size("intermediate_size", DecoderConfig.MOST_ROWS);
        if (!json.flag("block_auto_adjust_ff_dim", true)) {
            return inner;
        }
        int gated = (int) (2.0 * inner / 3);
        int most = DecoderConfig.MOST_ROWS;
        double scaled = Math.min(most, gated * json.number("block_ffn_dim_multiplier", 1));
        int multiple = json.size("block_multiple_of", most, 256);
        return (int) Math.min(most, ((long) scaled + multiple - 1) / multiple * multiple);
    }
}
