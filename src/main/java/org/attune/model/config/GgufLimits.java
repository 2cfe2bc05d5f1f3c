package org.attune.model.config;

import org.attune.error.ModelException;

/// What the reader here would find in a file, and llama.cpp wouldn't: it goes by the architecture
/// and the number of layers.
///
/// @param config       of a model that is to be written
/// @param architecture of the file
record GgufLimits(DecoderConfig config, String architecture) {
    private static final int LARGE = 64; // layers by which llama.cpp knows the largest models

    /// @throws ModelException naming what llama.cpp doesn't know
    void require() {
        AttentionConfig a = config.attention();
        boolean square = (long) a.heads() * a.headDim() == config.hiddenSize();
        boolean large = config.layers() == LARGE;
        switch (architecture) {
            case "arcee" -> refuse(a.qkvBias() || a.outputBias() || config.mlpBias(), "biases");
            case "chatglm", "nemotron" ->
                    refuse(!square, "heads that together aren't as wide as hidden_size");
            case "command-r" -> {
                boolean normed = a.qkNorm() != QkNorm.NONE;
                refuse(normed && config.layers() < LARGE, "use_qk_norm in fewer than 64 layers");
                refuseOutputLayer();
            }
            case "cohere2", "gemma", "gemma2" -> refuseOutputLayer();
            case "dots1" -> refuse(a.kvHeads() != a.heads(), "fewer key heads than query heads");
            case "exaone4" -> {
                boolean windows = a.windows().stream().anyMatch(w -> w > 0);
                refuse(windows && !large, "windows (sliding_window) in other than 64 layers");
            }
            case "gemma4" -> {
                refuse(a.qkvBias() || a.outputBias(), "biases of attention");
                refuse(
                        !GgufVaried.sharesAsLlamaCpp(
                                a.windows().stream().map(w -> w > 0).toList(),
                                config.layers() - GgufVariedKeys.shared(a)),
                        "shared keys (num_kv_shared_layers) of another layer than the last with"
                                + " keys and a window, and the last with keys and none");
                refuse(
                        config.block().end().reads()
                                && config.block().end().rows() != config.vocabSize(),
                        "a vocab_size_per_layer_input that isn't vocab_size");
            }
            case "gptneox" -> refuse(!a.qkvBias(), "attention without biases");
            case "qwen2moe", "qwen3moe", "qwen3next", "qwen35moe" -> {
                var experts = config.block().feedForward().experts();
                boolean dense = experts.filter(e -> !e.dense().isEmpty()).isPresent();
                refuse(dense, "layers without experts (mlp_only_layers)");
            }
            default -> {}
        }
    }

    private void refuseOutputLayer() {
        refuse(!config.tieWordEmbeddings(), "an output layer that isn't the embedding");
    }

    private void refuse(boolean unlike, String what) {
        if (unlike) {
            throw new ModelException(
                    "llama.cpp knows no %s with %s; use the Hugging Face folder"
                            .formatted(architecture, what));
        }
    }
}
