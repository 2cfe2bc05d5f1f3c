package org.attune.model.config;

import org.attune.model.config.DecoderFamily.BiasRule;
import org.attune.model.config.DecoderFamily.ExpertRule;
import org.attune.model.config.DecoderFamily.WindowRule;

import java.util.List;

/// Families whose feed-forward parts are experts that each token chooses from.
final class ExpertFamilies {
    private static final List<String> GATE_AND_UP = List.of("gate_proj", "up_proj");

    private static final TensorNames QWEN_EXPERTS =
            TensorNames.LLAMA.withExperts(
                    new TensorNames.Experts(
                            "mlp.gate",
                            "mlp.experts",
                            GATE_AND_UP,
                            "down_proj",
                            "mlp.shared_expert",
                            "mlp.shared_expert_gate"));

    static final List<DecoderFamily> TABLE =
            List.of(
                    FamilyRow.named("mixtral", "MixtralForCausalLM")
                            .window(WindowRule.ALL_LAYERS, 0)
                            .experts(new ExpertRule(8, 2, "intermediate_size", 0, true, 0))
                            .names(
                                    TensorNames.LLAMA.withExperts(
                                            new TensorNames.Experts(
                                                    "block_sparse_moe.gate",
                                                    "block_sparse_moe.experts",
                                                    List.of("w1", "w3"),
                                                    "w2",
                                                    "",
                                                    "")))
                            .epsilon(1e-5)
                            .heads(8)
                            .positions(131072, 1e6)
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("qwen2_moe", "Qwen2MoeForCausalLM")
                            .attentionBias(BiasRule.QKV)
                            .window(WindowRule.UPPER_LAYERS)
                            .experts(
                                    new ExpertRule(
                                            60, 4, "moe_intermediate_size", 1408, false, 5632))
                            .names(QWEN_EXPERTS)
                            .obeyed("qkv_bias")
                            .heads(16)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("qwen3_moe", "Qwen3MoeForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.HEADS)
                            .window(WindowRule.UPPER_LAYERS)
                            .experts(new ExpertRule(128, 8, "moe_intermediate_size", 768, false, 0))
                            .names(QWEN_EXPERTS)
                            .heads(4)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("olmoe", "OlmoeForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.TOGETHER)
                            .experts(new ExpertRule(64, 8, "intermediate_size", 0, false, 0))
                            .names(QWEN_EXPERTS)
                            .epsilon(1e-5)
                            .positions(4096, 10000)
                            .ends(50279)
                            .pad(1)
                            .row());

    private ExpertFamilies() {}
}
