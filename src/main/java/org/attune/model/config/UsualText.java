package org.attune.model.config;

import com.fasterxml.jackson.databind.node.ObjectNode;

import java.util.Arrays;

/// Sizes that transformers' classes of configurations give to text models inside of models of text
/// and images, where `text_config` says nothing of them: Gemma 3 4B's and LLaVA-1.5's don't.
enum UsualText {
    GEMMA3("gemma3_text", 2304, 9216, 26, 8, 4, 262208, 256),
    GEMMA2("gemma2", 2304, 9216, 26, 8, 4, 256000, 256),
    GEMMA("gemma", 3072, 24576, 28, 16, 16, 256000, 256),
    LLAMA("llama", 4096, 11008, 32, 32, 32, 32000, 0),
    MISTRAL("mistral", 4096, 14336, 32, 32, 8, 32000, 0),
    QWEN2("qwen2", 4096, 22016, 32, 32, 32, 151936, 0);

    private final String modelType;
    private final int width;
    private final int inner;
    private final int layers;
    private final int heads;
    private final int kvHeads;
    private final int vocabulary;
    private final int headDim;

    /// @param headDim 0: the width over the heads
    UsualText(
            String modelType,
            int width,
            int inner,
            int layers,
            int heads,
            int kvHeads,
            int vocabulary,
            int headDim) {
        this.modelType = modelType;
        this.width = width;
        this.inner = inner;
        this.layers = layers;
        this.heads = heads;
        this.kvHeads = kvHeads;
        this.vocabulary = vocabulary;
        this.headDim = headDim;
    }

    /// Adds what a configuration of a text model doesn't say.
    ///
    /// @param json changed
    static void addTo(ObjectNode json) {
        String type = json.path("model_type").asText();
        Arrays.stream(values()).filter(u -> u.modelType.equals(type)).forEach(u -> u.add(json));
    }

    private void add(ObjectNode json) {
        if (!json.has("num_attention_heads")) {
            put(json, "num_key_value_heads", kvHeads);
        }
        put(json, "num_attention_heads", heads);
        put(json, "hidden_size", width);
        put(json, "intermediate_size", inner);
        put(json, "num_hidden_layers", layers);
        put(json, "vocab_size", vocabulary);
        if (headDim > 0) {
            put(json, "head_dim", headDim);
        }
    }

    private static void put(ObjectNode json, String key, int usual) {
        if (!json.hasNonNull(key)) {
            json.put(key, usual);
        }
    }
}
