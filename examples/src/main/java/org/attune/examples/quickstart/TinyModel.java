package org.attune.examples.quickstart;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.attune.files.AtomicFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.json.Json;
import org.attune.tensor.DType;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

/// Writes a Hugging Face folder with a Llama-shaped model of random weights and a tokenizer whose
/// tokens are the 256 bytes and four control tokens.
///
/// @param width model width, a multiple of `heads`
/// @param blocks number of blocks
/// @param heads attention heads; half as many key/value heads
public record TinyModel(int width, int blocks, int heads) {
    private static final int BYTES = 256;
    private static final List<String> CONTROL =
            List.of("<|pad|>", "<|user|>", "<|assistant|>", "<|end|>");
    private static final int PAD = BYTES;
    private static final int END = BYTES + 3;
    private static final int VOCABULARY = BYTES + CONTROL.size();
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
        AtomicFile.writeText(folder.resolve("tokenizer.json"), Json.pretty(tokenizer()));
        AtomicFile.writeText(
                folder.resolve("tokenizer_config.json"), Json.pretty(tokenizerConfig()));
        AtomicFile.writeText(
                folder.resolve("generation_config.json"), Json.pretty(generationConfig()));
        AtomicFile.writeText(folder.resolve("chat_template.jinja"), CHAT_TEMPLATE.strip());
        var normal = ZigguratSampler.NormalizedGaussian.of(random);
        SafeTensorsWriter.write(
                folder.resolve("model.safetensors"),
                weights(() -> INITIAL_DEVIATION * normal.sample()));
    }

    private ObjectNode config() {
        ObjectNode config = Json.object();
        config.putArray("architectures").add("LlamaForCausalLM");
        return config.put("model_type", "llama")
                .put("vocab_size", VOCABULARY)
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
                .put("pad_token_id", PAD)
                .put("eos_token_id", END)
                .put("torch_dtype", "float32");
    }

    private static ObjectNode tokenizer() {
        ObjectNode tokenizer = Json.object();
        tokenizer.put("version", "1.0").putNull("truncation").putNull("padding");
        ArrayNode added = tokenizer.putArray("added_tokens");
        for (String token : CONTROL) {
            added.addObject()
                    .put("id", BYTES + CONTROL.indexOf(token))
                    .put("content", token)
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        tokenizer.putNull("normalizer");
        byteLevel(tokenizer.putObject("pre_tokenizer"));
        tokenizer.putNull("post_processor");
        byteLevel(tokenizer.putObject("decoder"));
        ObjectNode model = tokenizer.putObject("model").put("type", "BPE");
        ObjectNode vocabulary = model.putObject("vocab");
        for (int b = 0; b < BYTES; b++) {
            vocabulary.put(Character.toString(visible(b)), b);
        }
        model.putArray("merges");
        return tokenizer;
    }

    private static void byteLevel(ObjectNode part) {
        part.put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", false)
                .put("use_regex", false);
    }

    /// The character by which byte-level tokenizers write a byte: itself if it is visible in
    /// Latin-1, else the next free one from U+0100.
    static int visible(int value) {
        int next = 0x100;
        for (int b = 0; b < BYTES; b++) {
            boolean itself = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xFF && b != 0xAD;
            int character = itself ? b : next++;
            if (b == value) {
                return character;
            }
        }
        throw new IllegalArgumentException("not a byte: " + value);
    }

    private static ObjectNode tokenizerConfig() {
        ObjectNode config = Json.object();
        return config.put("tokenizer_class", "PreTrainedTokenizerFast")
                .put("pad_token", CONTROL.get(PAD - BYTES))
                .put("eos_token", CONTROL.get(END - BYTES))
                .put("model_max_length", MAX_TOKENS)
                .put("clean_up_tokenization_spaces", false);
    }

    private static ObjectNode generationConfig() {
        return Json.object().put("eos_token_id", END).put("pad_token_id", PAD);
    }

    private List<Source> weights(DoubleSupplier random) {
        var weights = new ArrayList<Source>();
        weights.add(tensor("model.embed_tokens.weight", random, VOCABULARY, width));
        for (int block = 0; block < blocks; block++) {
            String name = "model.layers." + block + ".";
            weights.add(tensor(name + "self_attn.q_proj.weight", random, width, width));
            weights.add(tensor(name + "self_attn.k_proj.weight", random, keyWidth(), width));
            weights.add(tensor(name + "self_attn.v_proj.weight", random, keyWidth(), width));
            weights.add(tensor(name + "self_attn.o_proj.weight", random, width, width));
            weights.add(tensor(name + "mlp.gate_proj.weight", random, feedForward(), width));
            weights.add(tensor(name + "mlp.up_proj.weight", random, feedForward(), width));
            weights.add(tensor(name + "mlp.down_proj.weight", random, width, feedForward()));
            weights.add(tensor(name + "input_layernorm.weight", () -> 1, width));
            weights.add(tensor(name + "post_attention_layernorm.weight", () -> 1, width));
        }
        weights.add(tensor("model.norm.weight", () -> 1, width));
        return weights;
    }

    private static Source tensor(String name, DoubleSupplier value, long... shape) {
        return new Source(
                name,
                DType.FLOAT32,
                shape,
                arena -> {
                    long count = 1;
                    for (long length : shape) {
                        count *= length;
                    }
                    MemorySegment data = arena.allocate(ValueLayout.JAVA_FLOAT, count);
                    for (long i = 0; i < count; i++) {
                        data.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value.getAsDouble());
                    }
                    return data;
                });
    }
}
