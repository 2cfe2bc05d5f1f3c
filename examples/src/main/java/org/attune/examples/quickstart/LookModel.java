package org.attune.examples.quickstart;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.files.AtomicFile;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Writes a Hugging Face folder with an Idefics3-shaped model of random weights: 185 thousand
/// numbers that see a picture of [DrawnDigits#SIDE] pixels as one tile of 16 patches and four
/// rows.
final class LookModel {
    private static final String PAD = "<|pad|>";
    private static final String END = "<end_of_utterance>";
    private static final String IMAGE = "<image>";
    private static final ByteTokenizer TOKENS =
            new ByteTokenizer(
                    List.of(
                            PAD,
                            "<|user|>",
                            "<|assistant|>",
                            END,
                            "<fake_token_around_image>",
                            "<global-img>",
                            IMAGE));
    private static final int MAX_TOKENS = 256;
    private static final int WIDTH = 64;
    private static final int INNER = 2 * WIDTH;
    private static final int BLOCKS = 2;
    private static final int HEADS = 4;
    private static final int KEY_HEADS = 2;
    private static final int PATCH = 8;
    private static final int CHANNELS = 3;
    private static final int SHUFFLE = 2;
    private static final int PATCHES = (DrawnDigits.SIDE / PATCH) * (DrawnDigits.SIDE / PATCH);

    /// Turns are `<|role|>content<end_of_utterance>`; the marks name what the assistant says.
    private static final String CHAT_TEMPLATE =
            """
            {%- macro parts(content) -%}
            {%- if content is string -%}{{- content -}}{%- else -%}
            {%- for part in content -%}
            {%- if part['type'] == 'image' -%}{{- '<image>' -}}{%- else -%}{{- part['text'] -}}{%- endif -%}
            {%- endfor -%}
            {%- endif -%}
            {%- endmacro -%}
            {%- for message in messages -%}
            {{- '<|' + message['role'] + '|>' -}}
            {%- if message['role'] == 'assistant' -%}
            {%- generation -%}{{- parts(message['content']) + '<end_of_utterance>' -}}{%- endgeneration -%}
            {%- else -%}
            {{- parts(message['content']) + '<end_of_utterance>' -}}
            {%- endif -%}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
            """;

    private LookModel() {}

    /// Writes the folder; equal seeds give equal files.
    static void write(Path folder, UniformRandomProvider random) throws IOException {
        json(folder, "config.json", config());
        json(folder, "tokenizer.json", TOKENS.json());
        json(folder, "tokenizer_config.json", tokenizerConfig());
        json(folder, "processor_config.json", processorConfig());
        json(
                folder,
                "generation_config.json",
                Json.object().put("eos_token_id", TOKENS.id(END)).put("pad_token_id", pad()));
        AtomicFile.writeText(folder.resolve("chat_template.jinja"), CHAT_TEMPLATE.strip());
        weights(random).write(folder.resolve("model.safetensors"));
    }

    private static void json(Path folder, String name, ObjectNode content) throws IOException {
        AtomicFile.writeText(folder.resolve(name), Json.pretty(content));
    }

    private static int pad() {
        return TOKENS.id(PAD);
    }

    private static ObjectNode config() {
        ObjectNode config = Json.object();
        config.putArray("architectures").add("Idefics3ForConditionalGeneration");
        config.put("model_type", "idefics3")
                .put("image_token_id", TOKENS.id(IMAGE))
                .put("scale_factor", SHUFFLE)
                .put("tie_word_embeddings", true)
                .put("pad_token_id", pad())
                .put("eos_token_id", TOKENS.id(END))
                .put("torch_dtype", "float32");
        config.putObject("text_config")
                .put("model_type", "llama")
                .put("vocab_size", TOKENS.vocabulary())
                .put("hidden_size", WIDTH)
                .put("intermediate_size", INNER)
                .put("num_hidden_layers", BLOCKS)
                .put("num_attention_heads", HEADS)
                .put("num_key_value_heads", KEY_HEADS)
                .put("hidden_act", "silu")
                .put("max_position_embeddings", MAX_TOKENS)
                .put("rms_norm_eps", 1e-6)
                .put("rope_theta", 10000.0)
                .put("tie_word_embeddings", true)
                .put("pad_token_id", pad())
                .put("eos_token_id", TOKENS.id(END));
        config.putObject("vision_config")
                .put("model_type", "idefics3_vision")
                .put("hidden_size", WIDTH)
                .put("intermediate_size", INNER)
                .put("num_hidden_layers", BLOCKS)
                .put("num_attention_heads", HEADS)
                .put("num_channels", CHANNELS)
                .put("image_size", DrawnDigits.SIDE)
                .put("patch_size", PATCH)
                .put("hidden_act", "gelu_pytorch_tanh")
                .put("layer_norm_eps", 1e-6);
        return config;
    }

    private static ObjectNode tokenizerConfig() {
        ObjectNode config = Json.object();
        config.put("tokenizer_class", "PreTrainedTokenizerFast")
                .put("processor_class", "Idefics3Processor")
                .put("pad_token", PAD)
                .put("eos_token", END)
                .put("model_max_length", MAX_TOKENS)
                .put("clean_up_tokenization_spaces", false);
        return config;
    }

    /// Pictures are one tile each, whatever their size.
    private static ObjectNode processorConfig() {
        ObjectNode config = Json.object();
        config.put("processor_class", "Idefics3Processor")
                .put("image_seq_len", PATCHES / (SHUFFLE * SHUFFLE));
        ObjectNode image = config.putObject("image_processor");
        image.put("image_processor_type", "Idefics3ImageProcessor")
                .put("do_convert_rgb", true)
                .put("do_image_splitting", false)
                .put("do_normalize", true)
                .put("do_pad", true)
                .put("do_rescale", true)
                .put("do_resize", true)
                .put("resample", 1)
                .put("rescale_factor", 1.0 / 255);
        image.putObject("size").put("longest_edge", DrawnDigits.SIDE);
        image.putObject("max_image_size").put("longest_edge", DrawnDigits.SIDE);
        for (String key : List.of("image_mean", "image_std")) {
            image.putArray(key).add(0.5).add(0.5).add(0.5);
        }
        return config;
    }

    private static double lecun(int inputs) {
        return 1 / Math.sqrt(inputs);
    }

    private static FreshTensors weights(UniformRandomProvider random) {
        var weights = new FreshTensors(random);
        encoder(weights, "model.vision_model.");
        weights.normal(
                "model.connector.modality_projection.proj.weight",
                lecun(WIDTH * SHUFFLE * SHUFFLE),
                WIDTH,
                WIDTH * SHUFFLE * SHUFFLE);
        String text = "model.text_model.";
        weights.normal(text + "embed_tokens.weight", lecun(WIDTH), TOKENS.vocabulary(), WIDTH);
        for (int block = 0; block < BLOCKS; block++) {
            String path = text + "layers." + block + ".";
            weights.llamaBlock(path, lecun(WIDTH), WIDTH, WIDTH * KEY_HEADS / HEADS, INNER);
        }
        weights.norm(text + "norm", false, WIDTH);
        return weights;
    }

    private static void encoder(FreshTensors weights, String path) {
        String patches = path + "embeddings.patch_embedding";
        int inputs = CHANNELS * PATCH * PATCH;
        weights.normal(patches + ".weight", lecun(inputs), WIDTH, CHANNELS, PATCH, PATCH);
        weights.constant(patches + ".bias", 0, WIDTH);
        String positions = path + "embeddings.position_embedding.weight";
        weights.normal(positions, lecun(WIDTH), PATCHES, WIDTH);
        for (int block = 0; block < BLOCKS; block++) {
            String own = path + "encoder.layers." + block + ".";
            weights.norm(own + "layer_norm1", true, WIDTH);
            for (String part : List.of("q_proj", "k_proj", "v_proj", "out_proj")) {
                linear(weights, own + "self_attn." + part, WIDTH, WIDTH);
            }
            weights.norm(own + "layer_norm2", true, WIDTH);
            linear(weights, own + "mlp.fc1", INNER, WIDTH);
            linear(weights, own + "mlp.fc2", WIDTH, INNER);
        }
        weights.norm(path + "post_layernorm", true, WIDTH);
    }

    private static void linear(FreshTensors weights, String path, int out, int in) {
        weights.normal(path + ".weight", lecun(in), out, in);
        weights.constant(path + ".bias", 0, out);
    }
}
