package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.List;
import java.util.OptionalInt;

/// One model family: what its `config.json` means where that differs from Llama's, and the values
/// of absent keys (transformers' class defaults). Adding a family of the Llama shape is adding a
/// row to [#TABLE]; another shape is put together from the parts that [BlockConfig] names.
///
/// @param modelType        `model_type` in `config.json`
/// @param ggufArchitecture `general.architecture` in GGUF files; empty: such files aren't read
/// @param architecture     class name that transformers gives the causal language model
/// @param attentionBias    which attention projections have biases
/// @param mlpBias          whether the key `mlp_bias` is obeyed
/// @param qkNorm           whether queries and keys are normed per head
/// @param window           which layers see a window only
/// @param names            of tensors
/// @param obeyed           keys that its code in transformers obeys and most others don't have
/// @param absent           values of absent keys
record DecoderFamily(
        String modelType,
        String ggufArchitecture,
        String architecture,
        BiasRule attentionBias,
        boolean mlpBias,
        boolean qkNorm,
        WindowRule window,
        TensorNames names,
        List<String> obeyed,
        Absent absent) {

    /// Keys that ask for dropout in training.
    String dropoutKeys() {
        return modelType.equals("gpt2")
                ? "the largest of attn_pdrop, resid_pdrop and embd_pdrop (0.1 where absent)"
                : "attention_dropout";
    }

    /// The class name of a model of this family.
    String architecture(DecoderConfig config) {
        return config.scores()
                ? architecture.replaceFirst(
                        "ForCausalLM|LMHeadModel", config.scoreKind().classSuffix())
                : architecture;
    }

    /// Which attention projections have biases.
    enum BiasRule {
        /// None.
        NONE,
        /// q, k, v and output, if `attention_bias` says so.
        IF_CONFIGURED,
        /// q, k and v, always.
        QKV
    }

    /// Which layers see a window of `sliding_window` tokens only.
    enum WindowRule {
        /// None.
        NONE,
        /// All, unless `sliding_window` is null.
        ALL_LAYERS,
        /// Those that `layer_types` names, or the first, the third and so on.
        ALTERNATING,
        /// If `use_sliding_window`: those that `layer_types` names, or from `max_window_layers`
        /// on.
        UPPER_LAYERS
    }

    /// Values of absent keys.
    ///
    /// @param kvHeads      `num_key_value_heads`; empty is as many as heads
    /// @param headDim      `head_dim`; empty is hidden size / heads
    /// @param maxPositions `max_position_embeddings`
    /// @param bos          `bos_token_id`
    /// @param eos          `eos_token_id`
    /// @param pad          `pad_token_id`
    /// @param tied         `tie_word_embeddings`
    record Absent(
            OptionalInt kvHeads,
            OptionalInt headDim,
            int maxPositions,
            OptionalInt bos,
            List<Integer> eos,
            OptionalInt pad,
            boolean tied) {
        /// Without a padding token, and with an output layer that isn't the embedding.
        Absent(
                OptionalInt kvHeads,
                OptionalInt headDim,
                int maxPositions,
                OptionalInt bos,
                List<Integer> eos) {
            this(kvHeads, headDim, maxPositions, bos, eos, OptionalInt.empty(), false);
        }
    }

    static final List<DecoderFamily> TABLE =
            List.of(
                    new DecoderFamily(
                            "llama",
                            "llama",
                            "LlamaForCausalLM",
                            BiasRule.IF_CONFIGURED,
                            true,
                            false,
                            WindowRule.NONE,
                            TensorNames.LLAMA,
                            List.of(),
                            new Absent(
                                    OptionalInt.empty(),
                                    OptionalInt.empty(),
                                    2048,
                                    OptionalInt.of(1),
                                    List.of(2))),
                    new DecoderFamily(
                            "mistral",
                            "llama",
                            "MistralForCausalLM",
                            BiasRule.NONE,
                            false,
                            false,
                            WindowRule.ALL_LAYERS,
                            TensorNames.LLAMA,
                            List.of(),
                            new Absent(
                                    OptionalInt.of(8),
                                    OptionalInt.empty(),
                                    131072,
                                    OptionalInt.of(1),
                                    List.of(2))),
                    new DecoderFamily(
                            "qwen2",
                            "qwen2",
                            "Qwen2ForCausalLM",
                            BiasRule.QKV,
                            false,
                            false,
                            WindowRule.UPPER_LAYERS,
                            TensorNames.LLAMA,
                            List.of(),
                            new Absent(
                                    OptionalInt.of(32),
                                    OptionalInt.empty(),
                                    32768,
                                    OptionalInt.empty(),
                                    List.of())),
                    new DecoderFamily(
                            "qwen3",
                            "qwen3",
                            "Qwen3ForCausalLM",
                            BiasRule.IF_CONFIGURED,
                            false,
                            true,
                            WindowRule.UPPER_LAYERS,
                            TensorNames.LLAMA,
                            List.of("use_qk_norm", "qk_norm", "qk_layernorm"),
                            new Absent(
                                    OptionalInt.of(32),
                                    OptionalInt.of(128),
                                    32768,
                                    OptionalInt.empty(),
                                    List.of())),
                    new DecoderFamily(
                            "gemma2",
                            "",
                            "Gemma2ForCausalLM",
                            BiasRule.IF_CONFIGURED,
                            false,
                            false,
                            WindowRule.ALTERNATING,
                            TensorNames.LLAMA.withNorms(
                                    "input_layernorm",
                                    "post_attention_layernorm",
                                    "pre_feedforward_layernorm",
                                    "post_feedforward_layernorm"),
                            List.of(
                                    "hidden_activation",
                                    "attn_logit_softcapping",
                                    "final_logit_softcapping"),
                            new Absent(
                                    OptionalInt.of(4),
                                    OptionalInt.of(256),
                                    8192,
                                    OptionalInt.of(2),
                                    List.of(1),
                                    OptionalInt.of(0),
                                    true)),
                    new DecoderFamily(
                            "gpt2",
                            "",
                            "GPT2LMHeadModel",
                            BiasRule.QKV,
                            false,
                            false,
                            WindowRule.NONE,
                            TensorNames.GPT2,
                            List.of("activation_function"),
                            new Absent(
                                    OptionalInt.empty(),
                                    OptionalInt.empty(),
                                    1024,
                                    OptionalInt.of(50256),
                                    List.of(50256),
                                    OptionalInt.empty(),
                                    true)));

    /// The row of a `model_type`.
    ///
    /// @param where file, for the error message
    /// @throws ModelException naming the supported types if there is none
    static DecoderFamily ofModelType(String modelType, String where) {
        return TABLE.stream()
                .filter(f -> f.modelType.equals(modelType))
                .findFirst()
                .orElseThrow(
                        () ->
                                new ModelException(
                                        "%s: model_type \"%s\" is not supported; supported: %s"
                                                .formatted(where, modelType, modelTypes())));
    }

    /// The row of a GGUF architecture.
    ///
    /// @param where file, for the error message
    /// @throws ModelException naming the supported architectures if there is none
    static DecoderFamily ofGgufArchitecture(String architecture, String where) {
        return TABLE.stream()
                .filter(f -> f.ggufArchitecture.equals(architecture))
                .findFirst()
                .orElseThrow(
                        () ->
                                new ModelException(
                                        ("%s: general.architecture \"%s\" is not supported; "
                                                        + "supported: %s")
                                                .formatted(where, architecture, ggufNames())));
    }

    private static List<String> modelTypes() {
        return TABLE.stream().map(DecoderFamily::modelType).toList();
    }

    private static List<String> ggufNames() {
        return TABLE.stream()
                .map(DecoderFamily::ggufArchitecture)
                .filter(name -> !name.isEmpty())
                .distinct()
                .toList();
    }
}
