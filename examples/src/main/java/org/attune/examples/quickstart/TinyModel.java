package org.attune.examples.quickstart;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.files.AtomicFile;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Writes a Hugging Face folder with a Llama-shaped model of random weights and a tokenizer whose
/// tokens are the 256 bytes and four control tokens.
///
/// @param width model width, a multiple of `heads`
/// @param blocks number of blocks
/// @param heads attention heads; half as many key/value heads
public record TinyModel(int width, int blocks, int heads) {
    private static final String PAD = "<|pad|>";
    private static final String END = "<|end|>";
    private static final ByteTokenizer TOKENS =
            new ByteTokenizer(List.of(PAD, "<|user|>", "<|assistant|>", END));
    private static final int MAX_TOKENS = 256;

    /// Standard deviation of the initial weights, as Hugging Face initialises Llama.
    private static final double INITIAL_DEVIATION = 0.02;

    /// Turns are `<|role|>content<|end|>`; the marks name what the assistant says.
    private static final String CHAT_TEMPLATE =
            """
            {%- for message in messages -%}
            {{- '<|' + message['role'] + '|>' -}}
            {%- if message['role'] == 'assistant' -%}
            {%- generation -%}{{- message['content'] + '<|end|>' -}}{%- endgeneration -%}
            {%- else -%}
            {{- message['content'] + '<|end|>' -}}
            {%- endif -%}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
            """;

    /// The embedded model: 1.4 million parameters.
    public static TinyModel defaults() {
        return new TinyModel(192, 3, 6);
    }

    public TinyModel {
        if (width % heads != 0 || heads % 2 != 0) {
            throw new IllegalArgumentException(
                    "width must be a multiple of heads and heads even, got %d and %d"
                            .formatted(width, heads));
        }
    }

    private int feedForward() {
        return 3 * width;
    }

    private int keyWidth() {
        return width / 2;
    }

    /// Writes the folder; equal seeds give equal files.
    public void write(Path folder, UniformRandomProvider random) throws IOException {
        AtomicFile.writeText(folder.resolve("config.json"), Json.pretty(config()));
        AtomicFile.writeText(folder.resolve("tokenizer.json"), Json.pretty(TOKENS.json()));
        AtomicFile.writeText(
                folder.resolve("tokenizer_config.json"), Json.pretty(tokenizerConfig()));
        AtomicFile.writeText(
                folder.resolve("generation_config.json"), Json.pretty(generationConfig()));
        AtomicFile.writeText(folder.resolve("chat_template.jinja"), CHAT_TEMPLATE.strip());
        weights(random).write(folder.resolve("model.safetensors"));
    }

    private ObjectNode config() {
        ObjectNode config = Json.object();
        config.putArray("architectures").add("LlamaForCausalLM");
        return config.put("model_type", "llama")
                .put("vocab_size", TOKENS.vocabulary())
                .put("hidden_size", width)
                .put("intermediate_size", feedForward())
                .put("num_hidden_layers", blocks)
                .put("num_attention_heads", heads)
                .put("num_key_value_heads", heads / 2)
                .put("hidden_act", "silu")
                .put("max_position_embeddings", MAX_TOKENS)
                .put("rms_norm_eps", 1e-6)
                .put("rope_theta", 10000.0)
                .put("tie_word_embeddings", true)
                .put("pad_token_id", TOKENS.id(PAD))
                .put("eos_token_id", TOKENS.id(END))
                .put("torch_dtype", "float32");
    }

    private static ObjectNode tokenizerConfig() {
        ObjectNode config = Json.object();
        return config.put("tokenizer_class", "PreTrainedTokenizerFast")
                .put("pad_token", PAD)
                .put("eos_token", END)
                .put("model_max_length", MAX_TOKENS)
                .put("clean_up_tokenization_spaces", false);
    }

    private static ObjectNode generationConfig() {
        return Json.object()
                .put("eos_token_id", TOKENS.id(END))
                .put("pad_token_id", TOKENS.id(PAD));
    }

    private FreshTensors weights(UniformRandomProvider random) {
        var weights = new FreshTensors(random);
        double deviation = INITIAL_DEVIATION;
        weights.normal("model.embed_tokens.weight", deviation, TOKENS.vocabulary(), width);
        for (int block = 0; block < blocks; block++) {
            String path = "model.layers." + block + ".";
            weights.llamaBlock(path, deviation, width, keyWidth(), feedForward());
        }
        weights.norm("model.norm", false, width);
        return weights;
    }
}
