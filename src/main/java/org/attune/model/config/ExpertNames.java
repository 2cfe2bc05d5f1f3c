package org.attune.model.config;

import java.util.List;
import java.util.Optional;

/// How the files of [ExpertFamilies] call their tensors.
final class ExpertNames {
    static final List<String> GATE_AND_UP = List.of("gate_proj", "up_proj");

    static final TensorNames.Shared SHARED_EXPERTS =
            new TensorNames.Shared("mlp.shared_experts", GATE_AND_UP, "down_proj", "");

    static final TensorNames QWEN_EXPERTS =
            TensorNames.LLAMA.withExperts(
                    new TensorNames.Experts(
                            "mlp.gate",
                            "mlp.experts",
                            GATE_AND_UP,
                            "down_proj",
                            Optional.of(
                                    new TensorNames.Shared(
                                            "mlp.shared_expert",
                                            GATE_AND_UP,
                                            "down_proj",
                                            "mlp.shared_expert_gate")),
                            "",
                            Optional.empty()));

    static final TensorNames MIXTRAL_EXPERTS =
            TensorNames.LLAMA.withExperts(
                    new TensorNames.Experts(
                            "block_sparse_moe.gate",
                            "block_sparse_moe.experts",
                            List.of("w1", "w3"),
                            "w2",
                            Optional.empty(),
                            "",
                            Optional.empty()));

    static final TensorNames MINIMAX_EXPERTS =
            TensorNames.LLAMA.withExperts(
                    new TensorNames.Experts(
                            "block_sparse_moe.gate",
                            "block_sparse_moe.experts",
                            List.of("w1", "w3"),
                            "w2",
                            Optional.empty(),
                            "block_sparse_moe.e_score_correction_bias",
                            Optional.empty()));

    static final TensorNames DEEPSEEK_EXPERTS =
            TensorNames.LLAMA.withExperts(
                    new TensorNames.Experts(
                            "mlp.gate",
                            "mlp.experts",
                            GATE_AND_UP,
                            "down_proj",
                            Optional.of(SHARED_EXPERTS),
                            "mlp.gate.e_score_correction_bias",
                            Optional.empty()));

    static final TensorNames HUNYUAN_EXPERTS =
            TensorNames.LLAMA
                    .with()
                    .qkNorms("self_attn.query_layernorm", "self_attn.key_layernorm")
                    .names()
                    .withExperts(
                            new TensorNames.Experts(
                                    "mlp.gate.wg",
                                    "mlp.experts",
                                    GATE_AND_UP,
                                    "down_proj",
                                    Optional.of(
                                            new TensorNames.Shared(
                                                    "mlp.shared_mlp",
                                                    GATE_AND_UP,
                                                    "down_proj",
                                                    "")),
                                    "",
                                    Optional.empty()));

    static final TensorNames ERNIE_EXPERTS =
            TensorNames.LLAMA.withExperts(
                    new TensorNames.Experts(
                            "mlp.gate",
                            "mlp.experts",
                            GATE_AND_UP,
                            "down_proj",
                            Optional.of(SHARED_EXPERTS),
                            "mlp.moe_statics.e_score_correction_bias",
                            Optional.empty()));

    static final TensorNames GRANITE_EXPERTS =
            TensorNames.LLAMA.withExperts(
                    new TensorNames.Experts(
                            "block_sparse_moe.router.layer",
                            "block_sparse_moe.experts",
                            GATE_AND_UP,
                            "down_proj",
                            Optional.of(
                                    new TensorNames.Shared(
                                            "shared_mlp",
                                            List.of("input_linear"),
                                            "output_linear",
                                            "")),
                            "",
                            Optional.of(
                                    new TensorNames.Stored(
                                            "block_sparse_moe.input_linear.weight",
                                            "block_sparse_moe.output_linear.weight",
                                            false,
                                            false,
                                            false))));

    static final TensorNames LLAMA4_EXPERTS =
            TensorNames.LLAMA
                    .with()
                    .up("feed_forward.gate_proj", "feed_forward.up_proj")
                    .down("feed_forward.down_proj")
                    .names()
                    .withExperts(
                            new TensorNames.Experts(
                                    "feed_forward.router",
                                    "feed_forward.experts",
                                    GATE_AND_UP,
                                    "down_proj",
                                    Optional.of(
                                            new TensorNames.Shared(
                                                    "feed_forward.shared_expert",
                                                    GATE_AND_UP,
                                                    "down_proj",
                                                    "")),
                                    "",
                                    Optional.of(
                                            new TensorNames.Stored(
                                                    "feed_forward.experts.gate_up_proj",
                                                    "feed_forward.experts.down_proj",
                                                    true,
                                                    false,
                                                    true))));

    static final TensorNames GPT_OSS_EXPERTS =
            TensorNames.LLAMA.withExperts(
                    new TensorNames.Experts(
                            "mlp.router",
                            "mlp.experts",
                            GATE_AND_UP,
                            "down_proj",
                            Optional.empty(),
                            "",
                            Optional.of(
                                    new TensorNames.Stored(
                                            "mlp.experts.gate_up_proj",
                                            "mlp.experts.down_proj",
                                            true,
                                            true,
                                            false))));

    private ExpertNames() {}
}
