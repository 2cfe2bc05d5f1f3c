package org.attune.cli.fuzz;

import org.attune.files.gguf.GgufBuilder;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.tensor.DType;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.random.RandomGenerator;

/// Models and adapters of some kilobytes: two blocks of four features.
final class ModelSamples {
    private static final String LLAMA =
            """
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 12, "hidden_size": 4,
             "intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
             "head_dim": 2, "hidden_act": "silu", "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
             "tie_word_embeddings": true, "attention_bias": false, "mlp_bias": false, "bos_token_id": 9, "pad_token_id": 10,
             "eos_token_id": [8, 9], "torch_dtype": "float32",
             "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                              "original_max_position_embeddings": 32}}
            """;

    private static final String MISTRAL =
            """
            {"architectures": ["MistralForSequenceClassification"], "model_type": "mistral", "vocab_size": 12, "hidden_size": 4,
             "intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
             "hidden_act": "silu", "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "sliding_window": 16,
             "tie_word_embeddings": false, "num_labels": 2, "id2label": {"0": "A", "1": "B"}, "dtype": "bfloat16",
             "rope_parameters": {"rope_theta": 10000.0, "rope_type": "yarn", "factor": 4.0, "beta_fast": 32, "beta_slow": 1,
                                 "attention_factor": 1.1, "mscale": 1.0, "mscale_all_dim": 1.0}}
            """;

    private static final String QWEN =
            """
            {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": 12, "hidden_size": 4,
             "intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4,
             "hidden_act": "silu", "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "sliding_window": 8,
             "use_sliding_window": true, "max_window_layers": 1, "layer_types": ["full_attention", "sliding_attention"],
             "tie_word_embeddings": true, "attention_bias": true, "partial_rotary_factor": 0.5,
             "rope_scaling": {"type": "longrope", "short_factor": [1.0], "long_factor": [1.0], "factor": 2.0}}
            """;

    private static final String ADAPTER =
            """
            {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "base", "r": 2, "lora_alpha": 4,
             "lora_dropout": 0.05, "bias": "none", "use_rslora": false, "use_dora": false, "init_lora_weights": true,
             "target_modules": ["q_proj", "k_proj"], "exclude_modules": "model.layers.9.*", "modules_to_save": ["norm"],
             "layers_to_transform": [0, 1], "layers_pattern": ["layers"], "rank_pattern": {"k_proj": 2},
             "alpha_pattern": {"layers.1.self_attn.k_proj": 8}, "fan_in_fan_out": false, "ensure_weight_tying": false}
            """;

    private ModelSamples() {}

    static List<Sample> configs() {
        return List.of(
                Sample.of("config.json", LLAMA),
                Sample.of("config.json", MISTRAL),
                Sample.of("config.json", QWEN));
    }

    /// A folder with weights in one file, and one with weights in two.
    static List<Sample> folders() {
        SortedMap<String, long[]> shapes = llamaShapes();
        Sample one =
                Sample.of("config.json", LLAMA)
                        .with("model.safetensors", weights(shapes))
                        .with("tokenizer.json", TokenizerSamples.BYTE_LEVEL)
                        .with(
                                "generation_config.json",
                                "{\"eos_token_id\": 9, \"do_sample\": true, \"temperature\": 0.6,"
                                        + " \"top_p\": 0.9, \"top_k\": 20}");
        return List.of(one, sharded(shapes));
    }

    private static Sample sharded(SortedMap<String, long[]> shapes) {
        var first = new TreeMap<>(shapes.headMap("model.layers.1"));
        var second = new TreeMap<>(shapes.tailMap("model.layers.1"));
        var index = new StringBuilder("{\"metadata\": {\"total_size\": 400}, \"weight_map\": {");
        first.keySet().forEach(n -> index.append("\"%s\": \"a.safetensors\", ".formatted(n)));
        second.keySet().forEach(n -> index.append("\"%s\": \"b.safetensors\", ".formatted(n)));
        index.setLength(index.length() - 2);
        return Sample.of("model.safetensors.index.json", index + "}}")
                .with("a.safetensors", weights(first))
                .with("b.safetensors", weights(second))
                .with("config.json", LLAMA);
    }

    static List<Sample> adapters() {
        var shapes = new TreeMap<String, long[]>();
        for (int layer = 0; layer < 2; layer++) {
            String block = "base_model.model.model.layers." + layer + ".self_attn.";
            for (String module : List.of("q_proj", "k_proj")) {
                shapes.put(block + module + ".lora_A.weight", new long[] {2, 4});
                shapes.put(
                        block + module + ".lora_B.weight",
                        new long[] {module.equals("q_proj") ? 4 : 2, 2});
            }
        }
        shapes.put("base_model.model.model.norm.weight", new long[] {4});
        byte[] weights = weights(shapes);
        Sample adapter =
                Sample.of("adapter_config.json", ADAPTER)
                        .with("adapter_model.safetensors", weights);
        List<Sample> samples = new ArrayList<>(List.of(adapter, adapter));
        samples.add(
                Sample.of("adapter_model.safetensors", weights)
                        .with("adapter_config.json", ADAPTER));
        // Expressions that take years on a path, and those that are common.
        for (String pattern :
                List.of(
                        "(([a-z_.0-9])+)+$x",
                        "(.*)*(.*)*(.*)*(.*)*=",
                        "(.*\\\\.)?(.*\\\\.)?(.*\\\\.)?(.*\\\\.)?(.*\\\\.)?(.*\\\\.)?q=",
                        ".*\\\\.(q|k)_proj")) {
            samples.add(
                    adapter.with(
                            "adapter_config.json",
                            ADAPTER.replace("[\"q_proj\", \"k_proj\"]", '"' + pattern + '"')));
            samples.add(
                    adapter.with(
                            "adapter_config.json",
                            ADAPTER.replace("\"k_proj\": 2", '"' + pattern + "\": 2")));
            samples.add(
                    adapter.with(
                            "adapter_config.json",
                            ADAPTER.replace("\"layers\"", '"' + pattern + '"')));
        }
        return samples;
    }

    private static SortedMap<String, long[]> llamaShapes() {
        var shapes = new TreeMap<String, long[]>();
        shapes.put("model.embed_tokens.weight", new long[] {12, 4});
        shapes.put("model.norm.weight", new long[] {4});
        for (int layer = 0; layer < 2; layer++) {
            String block = "model.layers." + layer + ".";
            shapes.put(block + "input_layernorm.weight", new long[] {4});
            shapes.put(block + "post_attention_layernorm.weight", new long[] {4});
            shapes.put(block + "self_attn.q_proj.weight", new long[] {4, 4});
            shapes.put(block + "self_attn.k_proj.weight", new long[] {2, 4});
            shapes.put(block + "self_attn.v_proj.weight", new long[] {2, 4});
            shapes.put(block + "self_attn.o_proj.weight", new long[] {4, 4});
            shapes.put(block + "mlp.gate_proj.weight", new long[] {6, 4});
            shapes.put(block + "mlp.up_proj.weight", new long[] {6, 4});
            shapes.put(block + "mlp.down_proj.weight", new long[] {4, 6});
        }
        return shapes;
    }

    static byte[] weights(SortedMap<String, long[]> shapes) {
        List<SafeTensorsWriter.Source> sources =
                shapes.entrySet().stream()
                        .map(
                                e ->
                                        new SafeTensorsWriter.Source(
                                                e.getKey(),
                                                DType.FLOAT32,
                                                e.getValue(),
                                                arena -> arena.allocate(4 * size(e.getValue()))))
                        .toList();
        try {
            Path file = Files.createTempFile("attune-fuzz", ".safetensors");
            SafeTensorsWriter.write(file, sources);
            byte[] bytes = Files.readAllBytes(file);
            Files.delete(file);
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long size(long[] shape) {
        long size = 1;
        for (long dim : shape) {
            size *= dim;
        }
        return size;
    }

    /// A GGUF file as it should be, and many of which one or two pairs are not.
    static List<Sample> ggufs() {
        var random = new SplittableRandom(1);
        List<Sample> samples = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            var odd = new TreeSet<Integer>();
            for (int j = i == 0 ? 0 : 1 + random.nextInt(2); j > 0; j--) {
                odd.add(random.nextInt(PAIRS));
            }
            samples.add(Sample.of("model.gguf", gguf(i % 3 == 0, odd, random)));
        }
        return samples;
    }

    private static final int PAIRS = 26;

    private static byte[] gguf(boolean pieces, Set<Integer> odd, RandomGenerator random) {
        var file = new GgufPairs(odd, random);
        file.text("general.architecture", "llama")
                .uint32("general.alignment", 32)
                .uint32("llama.block_count", 2)
                .uint32("llama.embedding_length", 4)
                .uint32("llama.feed_forward_length", 6)
                .uint32("llama.context_length", 64)
                .uint32("llama.attention.head_count", 2)
                .uint32("llama.attention.head_count_kv", 1)
                .uint32("llama.attention.key_length", 2)
                .uint32("llama.rope.dimension_count", 2)
                .float32("llama.rope.freq_base", 10000)
                .float32("llama.attention.layer_norm_rms_epsilon", 1e-6f)
                .text("llama.rope.scaling.type", "yarn")
                .float32("llama.rope.scaling.factor", 2)
                .uint32("llama.rope.scaling.original_context_length", 32)
                .text("tokenizer.ggml.model", pieces ? "llama" : "gpt2")
                .text("tokenizer.ggml.pre", "smollm")
                .texts(
                        "tokenizer.ggml.tokens",
                        "a",
                        "b",
                        "ab",
                        "▁",
                        "▁a",
                        "c",
                        "d",
                        "<0x0A>",
                        "e",
                        "<s>",
                        "<pad>",
                        "<u>")
                .int32s("tokenizer.ggml.token_type", 1, 1, 1, 1, 1, 1, 1, 6, 1, 3, 3, 4)
                .float32s("tokenizer.ggml.scores", 0, -1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11)
                .texts("tokenizer.ggml.merges", "a b")
                .uint32("tokenizer.ggml.bos_token_id", 9)
                .uint32("tokenizer.ggml.eos_token_id", 9)
                .uint32("tokenizer.ggml.padding_token_id", 10)
                .flag("tokenizer.ggml.add_bos_token", true)
                .text(
                        "tokenizer.chat_template",
                        "{% for m in messages %}{{ m.content }}{% endfor %}");
        return file.bytes(tensors());
    }

    private static SortedMap<String, long[]> tensors() {
        var shapes = new TreeMap<String, long[]>();
        shapes.put("token_embd.weight", new long[] {12, 4});
        shapes.put("output_norm.weight", new long[] {4});
        for (int layer = 0; layer < 2; layer++) {
            String block = "blk." + layer + ".";
            shapes.put(block + "attn_norm.weight", new long[] {4});
            shapes.put(block + "ffn_norm.weight", new long[] {4});
            shapes.put(block + "attn_q.weight", new long[] {4, 4});
            shapes.put(block + "attn_k.weight", new long[] {2, 4});
            shapes.put(block + "attn_v.weight", new long[] {2, 4});
            shapes.put(block + "attn_output.weight", new long[] {4, 4});
            shapes.put(block + "ffn_gate.weight", new long[] {6, 4});
            shapes.put(block + "ffn_up.weight", new long[] {6, 4});
            shapes.put(block + "ffn_down.weight", new long[] {4, 6});
        }
        return shapes;
    }

    /// Writes pairs, of which some have another type or size than they should.
    private static final class GgufPairs {
        private final GgufBuilder file = new GgufBuilder();
        private final Set<Integer> odd;
        private final RandomGenerator random;
        private int number;

        GgufPairs(Set<Integer> odd, RandomGenerator random) {
            this.odd = odd;
            this.random = random;
        }

        /// Whether the pair was written otherwise.
        private boolean isOdd(String key) {
            if (!odd.contains(number++)) {
                return false;
            }
            int integer = (int) Odd.integer(random);
            switch (random.nextInt(12)) {
                case 0 -> file.text(key, Odd.text(random));
                case 1 -> file.float32(key, (float) Odd.number(random));
                case 2 -> file.texts(key, "a", Odd.text(random));
                case 3 -> file.int32s(key, integer, 1);
                case 4 -> file.flag(key, true);
                case 5 -> file.float32s(key);
                case 6 -> number++; // left out
                default -> file.uint32(key, integer);
            }
            return true;
        }

        GgufPairs text(String key, String value) {
            if (!isOdd(key)) {
                file.text(key, value);
            }
            return this;
        }

        GgufPairs uint32(String key, int value) {
            if (!isOdd(key)) {
                file.uint32(key, value);
            }
            return this;
        }

        GgufPairs float32(String key, float value) {
            if (!isOdd(key)) {
                file.float32(key, value);
            }
            return this;
        }

        GgufPairs flag(String key, boolean value) {
            if (!isOdd(key)) {
                file.flag(key, value);
            }
            return this;
        }

        GgufPairs texts(String key, String... values) {
            if (!isOdd(key)) {
                file.texts(key, values);
            }
            return this;
        }

        GgufPairs int32s(String key, int... values) {
            if (!isOdd(key)) {
                file.int32s(key, values);
            }
            return this;
        }

        GgufPairs float32s(String key, float... values) {
            if (!isOdd(key)) {
                file.float32s(key, values);
            }
            return this;
        }

        byte[] bytes(SortedMap<String, long[]> shapes) {
            shapes.forEach((name, shape) -> file.floats(name, new float[(int) size(shape)], shape));
            return file.bytes();
        }
    }
}
