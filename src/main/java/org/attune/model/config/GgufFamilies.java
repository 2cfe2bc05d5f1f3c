package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.model.config.GgufFamily.Part;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// The architectures of GGUF files that are read. Values of absent keys are llama.cpp's, see
/// `load_arch_hparams` there.
final class GgufFamilies {
    private static final String MODEL = "hidden_size";

    static final List<GgufFamily> TABLE =
            List.of(
                    GgufFamily.of("llama", "llama", "mixtral", "qwen2")
                            .choice(GgufFamilies::llama)
                            .writes("mistral", "internlm3")
                            .row(),
                    GgufFamily.of("qwen2", "qwen2").row(),
                    GgufFamily.of("qwen3", "qwen3").row(),
                    GgufFamily.of("gemma", "gemma").row(),
                    GgufFamily.of("gemma2", "gemma2")
                            .number("attn_logit_softcapping", "attn_logit_softcapping", 50)
                            .number("final_logit_softcapping", "final_logit_softcapping", 30)
                            .pattern(2, 4096)
                            .parts(Part.LARGEST_SCALE)
                            .row(),
                    GgufFamily.of("gemma3", "gemma3_text")
                            .factor("final_logit_softcapping", "final_logit_softcapping", 0)
                            .pattern(6, 0)
                            .parts(Part.LARGEST_SCALE)
                            .row(),
                    GgufFamily.of("gemma3n", "gemma3n_text").pattern(5, 0).parts(Part.VARIED).row(),
                    GgufFamily.of("gemma4", "gemma4_text")
                            .tensors("ffn_gate_up_exps.weight")
                            .pattern(0, 0)
                            .parts(Part.VARIED)
                            .row(),
                    GgufFamily.of("smollm3", "smollm3").fixed("no_rope_layer_interval", 4).row(),
                    GgufFamily.of("phi2", "phi").row(),
                    GgufFamily.of("phi3", "phi3")
                            .tensors("-ffn_gate.weight")
                            .windowsEverywhere()
                            .row(),
                    GgufFamily.of("mistral3", "ministral3", "mistral")
                            .choice(
                                    d ->
                                            d.has("attention.temperature_scale")
                                                    ? "ministral3"
                                                    : "mistral")
                            .parts(Part.GROWTH)
                            .row(),
                    GgufFamily.of("arcee", "arcee").row(),
                    GgufFamily.of("ernie4_5", "ernie4_5").row(),
                    GgufFamily.of("chatglm", "glm").tensors("-ffn_gate.weight").row(),
                    GgufFamily.of("glm4", "glm4").tensors("-ffn_gate.weight").row(),
                    GgufFamily.of("seed_oss", "seed_oss").tensors("-ffn_norm.weight").row(),
                    GgufFamily.of("granite", "granite").multiplies().parts(Part.ROTATES).row(),
                    GgufFamily.of("olmo2", "olmo2", "olmo3")
                            .choice(d -> d.has("attention.sliding_window") ? "olmo3" : "olmo2")
                            .pattern(4, 0)
                            .row(),
                    GgufFamily.of("exaone4", "exaone4").pattern(4, 0).row(),
                    GgufFamily.of("gptneox", "gpt_neox")
                            .flag("use_parallel_residual", "use_parallel_residual", true)
                            .row(),
                    GgufFamily.of("gpt2", "gpt2")
                            .calls(MODEL, "n_embd")
                            .calls("num_hidden_layers", "n_layer")
                            .calls("num_attention_heads", "n_head")
                            .calls("intermediate_size", "n_inner")
                            .calls("max_position_embeddings", "n_positions")
                            .calls("rms_norm_eps", "layer_norm_epsilon")
                            .parts(Part.LAYER_NORM)
                            .row(),
                    GgufFamily.of("starcoder2", "starcoder2").windowsEverywhere().row(),
                    GgufFamily.of("stablelm", "stablelm").parts(Part.ONE_NORM).row(),
                    GgufFamily.of("nemotron", "nemotron").row(),
                    GgufFamily.of("jais2", "jais2").row(),
                    GgufFamily.of("command-r", "cohere")
                            .factor("logit_scale", "logit_scale", 1)
                            .row(),
                    GgufFamily.of("cohere2", "cohere2")
                            .factor("logit_scale", "logit_scale", 1)
                            .pattern(4, 0)
                            .row(),
                    GgufFamily.of("apertus", "apertus").row(),
                    GgufFamily.of("hunyuan-dense", "hunyuan_v1_dense").row(),
                    GgufFamily.of("minicpm3", "minicpm3")
                            .tensors("attn_kv_b.weight")
                            .fixed("scale_emb", 12)
                            .fixed("scale_depth", 1.4)
                            .fixed("dim_model_base", 256)
                            .parts(Part.LATENT)
                            .row(),
                    GgufFamily.of("qwen2moe", "qwen2_moe").fixed("norm_topk_prob", false).row(),
                    GgufFamily.of("qwen3moe", "qwen3_moe").fixed("norm_topk_prob", true).row(),
                    GgufFamily.of("olmoe", "olmoe").fixed("norm_topk_prob", false).row(),
                    GgufFamily.of("gpt-oss", "gpt_oss")
                            .tensors("-ffn_norm.weight")
                            .pattern(2, 128)
                            .row(),
                    GgufFamily.of("granitemoe", "granitemoe", "granitemoeshared")
                            .choice(
                                    d ->
                                            d.someBlockHolds("ffn_gate_shexp.weight")
                                                    ? "granitemoeshared"
                                                    : "granitemoe")
                            .multiplies()
                            .parts(Part.ROTATES)
                            .row(),
                    GgufFamily.of("ernie4_5-moe", "ernie4_5_moe")
                            .integer("leading_dense_block_count", "moe_layer_start_index", 0)
                            .integer("interleave_moe_layer_step", "moe_layer_interval", 1)
                            .row(),
                    GgufFamily.of("llama4", "llama4_text")
                            .integer("feed_forward_length", "intermediate_size_mlp", 0)
                            .integer("interleave_moe_layer_step", "interleave_moe_layer_step", 1)
                            .fixed("no_rope_layer_interval", 4)
                            .pattern(4, 8192)
                            .parts(Part.BARE_NORMS)
                            .row(),
                    GgufFamily.of("minimax-m2", "minimax_m2").parts(Part.SIGMOID).row(),
                    GgufFamily.of("deepseek2", "deepseek_v3", "glm4_moe_lite")
                            .choice(GgufFamilies::deepSeek)
                            .integer("leading_dense_block_count", "first_k_dense_replace", 0)
                            .integer("expert_group_count", "n_group", 1)
                            .integer("expert_group_used_count", "topk_group", 1)
                            .weighs()
                            .parts(Part.LATENT, Part.SIGMOID)
                            .row(),
                    GgufFamily.of("glm4moe", "glm4_moe")
                            .tensors("-ffn_norm.weight")
                            .integer("leading_dense_block_count", "first_k_dense_replace", 0)
                            .integer("expert_group_count", "n_group", 1)
                            .integer("expert_group_used_count", "topk_group", 1)
                            .weighs()
                            .parts(Part.SIGMOID)
                            .row(),
                    GgufFamily.of("dots1", "dots1")
                            .integer("leading_dense_block_count", "first_k_dense_replace", 0)
                            .integer("expert_group_count", "n_group", 1)
                            .integer("expert_group_used_count", "topk_group", 1)
                            .weighs()
                            .parts(Part.SIGMOID)
                            .row(),
                    GgufFamily.of("hunyuan-moe", "hunyuan_v1_moe").row(),
                    GgufFamily.of("lfm2", "lfm2")
                            .tensors("-output_norm.weight")
                            .fixed("block_auto_adjust_ff_dim", false)
                            .parts(Part.SHORT_CONVOLUTION)
                            .row(),
                    GgufFamily.of("lfm2moe", "lfm2_moe")
                            .tensors("-output_norm.weight")
                            .integer("leading_dense_block_count", "num_dense_layers", 0)
                            .fixed("norm_topk_prob", true)
                            .parts(Part.SHORT_CONVOLUTION, Part.SIGMOID)
                            .row(),
                    GgufFamily.of("qwen35", "qwen3_5_text")
                            .tensors("-ffn_norm.weight")
                            .parts(Part.GATED_DELTA)
                            .row(),
                    GgufFamily.of("qwen35moe", "qwen3_5_moe_text")
                            .tensors("-ffn_norm.weight")
                            .parts(Part.GATED_DELTA)
                            .row(),
                    GgufFamily.of("qwen3next", "qwen3_next")
                            .tensors("-ffn_norm.weight")
                            .fixed("norm_topk_prob", true)
                            .parts(Part.GATED_DELTA)
                            .row(),
                    GgufFamily.of("granitehybrid", "granitemoehybrid")
                            .multiplies()
                            .parts(Part.MAMBA_OR_ATTENTION)
                            .row(),
                    nemotron("nemotron_h"),
                    nemotron("nemotron_h_moe"),
                    GgufFamily.of("mamba2", "mamba2").parts(Part.MAMBA).row(),
                    GgufFamily.of("kimi-linear", "kimi_linear")
                            .integer("leading_dense_block_count", "first_k_dense_replace", 0)
                            .integer("expert_group_count", "n_group", 1)
                            .integer("expert_group_used_count", "topk_group", 1)
                            .flag("expert_weights_norm", "norm_topk_prob", true)
                            .factor("expert_weights_scale", "routed_scaling_factor", 1)
                            .parts(Part.LATENT, Part.CHANNEL_DELTA, Part.SIGMOID)
                            .row(),
                    GgufFamily.of("falcon-h1", "falcon_h1")
                            .tensors("ffn_norm")
                            .parts(Part.MAMBA_BESIDE)
                            .row());

    private GgufFamilies() {}

    private static GgufFamily nemotron(String architecture) {
        return GgufFamily.of(architecture, "nemotron_h")
                .integer("expert_group_count", "n_group", 1)
                .integer("expert_group_used_count", "topk_group", 1)
                .weighs()
                .parts(Part.ONE_PART)
                .row();
    }

    /// The row of an architecture.
    ///
    /// @throws ModelException naming the architectures if there is none
    static GgufFamily of(GgufDescription file) {
        String architecture = file.architecture();
        return TABLE.stream()
                .filter(f -> f.architecture().equals(architecture))
                .findFirst()
                .orElseThrow(
                        () ->
                                file.metadata()
                                        .invalid(
                                                "general.architecture",
                                                String.join(
                                                        ", ",
                                                        TABLE.stream()
                                                                .map(GgufFamily::architecture)
                                                                .toList())));
    }

    /// The row by which a family's models are written.
    static Optional<GgufFamily> toWrite(String modelType) {
        return TABLE.stream()
                .filter(f -> f.modelTypes().getFirst().equals(modelType))
                .findFirst()
                .or(
                        () ->
                                TABLE.stream()
                                        .filter(
                                                f ->
                                                        f.writes().contains(modelType)
                                                                || f.modelTypes()
                                                                        .contains(modelType))
                                        .findFirst());
    }

    /// Families whose models are written.
    static List<String> written() {
        return TABLE.stream()
                .flatMap(f -> Stream.concat(f.modelTypes().stream(), f.writes().stream()))
                .distinct()
                .sorted()
                .toList();
    }

    /// Whether GGUF files of a family are read.
    static boolean hasModelType(String modelType) {
        return TABLE.stream().anyMatch(f -> f.modelTypes().contains(modelType));
    }

    /// Models with biases of queries, keys and values alone are what transformers calls Qwen2.
    private static String llama(GgufDescription file) {
        if (file.integer("expert_count").orElse(0) > 0) {
            return "mixtral";
        }
        boolean queries = file.someBlockHolds("attn_q.bias");
        return queries && !file.someBlockHolds("attn_output.bias") ? "qwen2" : "llama";
    }

    /// GLM 4.7 Flash has no name for its files; llama.cpp knows it by these numbers.
    private static String deepSeek(GgufDescription file) {
        int layers = file.layers();
        boolean glm = file.holdsRows("token_embd.weight", 154880);
        return glm && (layers == 47 || layers == 48) ? "glm4_moe_lite" : "deepseek_v3";
    }
}
