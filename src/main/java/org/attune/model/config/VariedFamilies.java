package org.attune.model.config;

import org.attune.model.config.DecoderFamily.BiasRule;
import org.attune.model.config.DecoderFamily.RotationRule;
import org.attune.model.config.DecoderFamily.WindowRule;
import org.attune.model.config.ExpertRule.DenseRule;
import org.attune.model.config.ExpertRule.Key;
import org.attune.model.config.ExpertRule.RouterRule;
import org.attune.model.config.ExpertRule.SharedRule;
import org.attune.model.config.ExpertsConfig.RouterConfig;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Families whose attention differs between layers, as [VariedJson] and [AltUpJson] read it.
final class VariedFamilies {
    private static final TensorNames ROUTED =
            DenseFamilies.FOUR_NORMS.withExperts(
                    new TensorNames.Experts(
                            "router.proj",
                            "experts",
                            ExpertNames.GATE_AND_UP,
                            "down_proj",
                            Optional.empty(),
                            "",
                            Optional.of(
                                    new TensorNames.Stored(
                                            "experts.gate_up_proj",
                                            "experts.down_proj",
                                            false,
                                            false,
                                            true))));

    static final List<DecoderFamily> TABLE =
            List.of(
                    FamilyRow.named("gemma4_text", "Gemma4ForCausalLM")
                            .readBy(VariedJson::read)
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.HEADS)
                            .order(BlockOrder.SANDWICH)
                            .activation("hidden_activation", "gelu_pytorch_tanh")
                            .unscaled()
                            .cap(0)
                            .scaledEmbeddings()
                            .pattern(6)
                            .window(WindowRule.PATTERN_TO_FULL, 512)
                            .rotation(RotationRule.WINDOWS_APART)
                            .scaling(new RopeScaling.Proportional(0.25, 1))
                            .experts(experts())
                            .expertsIf(json -> json.flag("enable_moe_block", false))
                            .names(ROUTED)
                            .obeyed(
                                    "per_layer_config",
                                    "num_kv_shared_layers",
                                    "attention_k_eq_v",
                                    VariedJson.INPUT_WIDTH)
                            .requires("use_bidirectional_attention", "vision") // none in texts
                            .heads(4)
                            .headDim(256)
                            .positions(131072, 1e6)
                            .tokens(2, 1)
                            .pad(0)
                            .tied()
                            .row(),
                    FamilyRow.named("gemma3n_text", "Gemma3nForCausalLM")
                            .readBy(AltUpJson::read)
                            .inner(AltUpJson::inner)
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.HEADS)
                            .order(BlockOrder.SANDWICH)
                            .activation("hidden_activation", "gelu_pytorch_tanh")
                            .unscaled()
                            .cap(30)
                            .scaledEmbeddings()
                            .pattern(5)
                            .window(WindowRule.PATTERN, 512)
                            .rotation(RotationRule.WINDOWS_APART)
                            .names(DenseFamilies.FOUR_NORMS)
                            .obeyed("num_kv_shared_layers", VariedJson.INPUT_WIDTH)
                            .heads(2)
                            .headDim(256)
                            .positions(32768, 1e6)
                            .tokens(2, 1)
                            .pad(0)
                            .tied()
                            .row());

    private VariedFamilies() {}

    private static ExpertRule experts() {
        RouterConfig router = RouterConfig.softmax(true).withFactors();
        return new ExpertRule(
                new Key(0, "num_experts"),
                new Key(0, "top_k_experts"),
                new Key(0, "moe_intermediate_size"),
                new SharedRule.None(),
                DenseRule.BESIDE,
                0,
                new RouterRule(router, Optional.empty(), OptionalInt.empty()),
                false,
                0);
    }
}
