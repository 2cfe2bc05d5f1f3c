package org.attune.model.config;

import org.attune.files.JsonFields;

import java.util.List;

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

    private static final TensorNames QWEN3_5 =
            TensorNames.LLAMA.withState(
                    new TensorNames.State(
                            "linear_attn",
                            List.of("in_proj_qkv", "in_proj_z", "in_proj_b", "in_proj_a"),
                            "conv1d",
                            "norm",
                            "out_proj"));

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
                            .attentionBias(DecoderFamily.BiasRule.IF_CONFIGURED)
                            .gatedAttention()
                            .mixers(MixersJson::qwen35)
                            .qkNorm(QkNorm.HEADS)
                            .normOffset(1)
                            .rotatesShare(0.25)
                            .names(QWEN3_5)
                            .heads(4)
                            .headDim(256)
                            .positions(32768, 10000)
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
                            .row());

    private MixedFamilies() {}

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
