package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.files.gguf.GgufFile;
import org.attune.model.config.BlockConfig;
import org.attune.model.config.ConfigJson;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.ExpertsConfig.RouterConfig;
import org.attune.model.config.GgufKeys;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.ModulePaths;
import org.attune.model.pass.Logits;
import org.attune.model.source.GgufExport;
import org.attune.model.source.GgufFileType;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Models whose layers differ come back from GGUF files as they were.
class GgufVariedTest {
    private static final int ROWS = 40;
    private static final int WIDTH = 16;

    /// Sizes that llama.cpp has in its code.
    private static final String GEMMA3N =
            """
            "model_type": "gemma3n_text", "num_hidden_layers": 22, "intermediate_size": 24, "num_kv_shared_layers": 2,
            "hidden_size_per_layer_input": 256, "laurel_rank": 64,
            "layer_types": [%s"sliding_attention", "full_attention"], "vocab_size_per_layer_input":\
            """
                    .formatted("\"sliding_attention\", \"full_attention\", ".repeat(10));

    private static final String GEMMA4 =
            """
            "model_type": "gemma4_text", "num_hidden_layers": 4, "intermediate_size": 24, "global_head_dim": 12,
            "hidden_size_per_layer_input": %d, "vocab_size_per_layer_input": 40, "attention_k_eq_v": %b,
            "num_global_key_value_heads": %d, "num_kv_shared_layers": %d, "use_double_wide_mlp": true,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention"]\
            """;

    private static final String EXPERTS =
            """
            , "enable_moe_block": true, "num_experts": 3, "top_k_experts": 2, "moe_intermediate_size": 8\
            """;

    private static final Map<String, String> MODELS =
            Map.of(
                    "gemma3n", GEMMA3N + 40,
                    "gemma3n with fewer vectors", GEMMA3N + 35,
                    "gemma3n with more vectors", GEMMA3N + 44,
                    "gemma4", GEMMA4.formatted(6, false, 2, 2),
                    "gemma4 without vectors", GEMMA4.formatted(0, false, 2, 0),
                    "gemma4 whose values are keys", GEMMA4.formatted(4, true, 1, 0),
                    "gemma4 with a cap",
                            GEMMA4.formatted(4, false, 1, 2) + ", \"final_logit_softcapping\": 9.0",
                    "gemma4 with experts", GEMMA4.formatted(0, true, 1, 2) + EXPERTS,
                    "gemma4 with linear positions",
                            GEMMA4.formatted(4, false, 1, 0)
                                    + """
                                    , "rope_parameters": {
                                    "full_attention": {"rope_type": "linear", "factor": 3.0, "rope_theta": 1e6},
                                    "sliding_attention": {"rope_type": "default", "rope_theta": 5e3}}\
                                    """);

    @TempDir Path temp;

    @Test
    void filesComputeWhatTheModelsDo() {
        try (var report = new CaseReport("varied models as GGUF", getClass()).requiring(9)) {
            MODELS.forEach(
                    (name, json) -> report.run(name, () -> Engine.run(() -> check(name, json))));
        }
    }

    private void check(String name, String json) {
        Path file = temp.resolve(name + ".gguf");
        int[] ids = TinyModels.random(name).ints(24, 0, 35).toArray();
        try (var _ = TensorScope.open("test");
                var own = write(json, file);
                var source = ModelSource.open(file.toString());
                var read =
                        Decoder.load(
                                source.config(),
                                source.tensors(),
                                Devices.usual(),
                                DType.FLOAT32)) {
            assertClose("logits", logits(own, ids), logits(read, ids), 1e-5, 0);
        }
    }

    private static float[] logits(Decoder decoder, int[] ids) {
        return Logits.of(decoder, RecordedModelsTest.layout(ids, 12), Adapter.OFF).toFloats();
    }

    private static Decoder write(String json, Path file) {
        DecoderConfig config = config(json);
        Decoder decoder = Decoder.load(config, weights(config), Devices.usual(), DType.FLOAT32);
        new GgufExport(config, Map.of(), GgufFileType.F32, Map.of())
                .write(file, "m", Policy.modules(decoder, Optional.empty(), DType.FLOAT32));
        return decoder;
    }

    /// Tokens that have no vector read the first one; llama.cpp wants keys that no layer
    /// reads.
    @Test
    void rowsAndKeysThatNoWeightMakesAreThere() {
        Path file = temp.resolve("filled.gguf");
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var _ = write(GEMMA3N + 35, file)) {}
                });
        try (var read = GgufFile.open(file);
                Arena arena = Arena.ofConfined()) {
            float[] all =
                    read.read("per_layer_token_embd.weight", arena).toArray(ValueLayout.JAVA_FLOAT);
            int row = all.length / ROWS;
            float[] first = Arrays.copyOf(all, row);
            assertArrayEquals(first, Arrays.copyOfRange(all, 39 * row, 40 * row));
            assertTrue(!Arrays.equals(first, Arrays.copyOfRange(all, 34 * row, 35 * row)));
            assertArrayEquals(new long[] {6, WIDTH}, shape(read, "blk.21.attn_v.weight"));
            assertArrayEquals(new long[] {6}, shape(read, "blk.21.attn_k_norm.weight"));
        }
    }

    private static long[] shape(GgufFile file, String tensor) {
        return file.entries().get(tensor).shape();
    }

    @Test
    void whatLlamaCppComputesOtherwiseIsRefused() {
        String usual = GEMMA3N + 40;
        String last = "\"laurel";
        refuses("num_kv_shared_layers 4 of 22", usual, "shared_layers\": 2", "shared_layers\": 4");
        refuses("laurel_rank 8", usual, "\"laurel_rank\": 64", "\"laurel_rank\": 8");
        refuses("altup_num_inputs", usual, last, "\"altup_num_inputs\": 3, \"laurel");
        refuses("hidden_size_per_layer_input 8", usual, "256", "8");
        refuses("another final", usual, last, "\"final_logit_softcapping\": 3, \"laurel");
        refuses("altup_correct", usual, last, "\"altup_correct_scale\": false, \"laurel");
        String gemma4 = GEMMA4.formatted(4, false, 1, 2);
        String types = "[\"sliding_attention\", \"full_attention\"";
        refuses("shared keys", gemma4, types, "[\"full_attention\", \"sliding_attention\"");
        refuses("biases", gemma4, "\"model_type", "\"attention_bias\": true, \"model_type");
    }

    /// Chunks of Llama 4 are as long as llama.cpp has them, or its files are for shorter texts.
    @Test
    void chunksOfOtherLengthsShortenTexts() {
        assertEquals(64, context(64, "8192"));
        assertEquals(16, context(64, "16"));
        assertEquals(65536, context(65536, "8192"));
        assertEquals(8192, context(65536, "20000"));
        assertEquals(8192, context(65536, "null"));
        DecoderConfig biased = llama4(64, "8192, \"attention_bias\": true");
        var e = assertThrows(ModelException.class, () -> new GgufKeys(biased, "m"));
        assertTrue(e.getMessage().contains("biases of queries"), e.getMessage());
    }

    private static int context(int positions, String chunk) {
        return new GgufKeys(llama4(positions, chunk), "m").context();
    }

    private static DecoderConfig llama4(int positions, String chunk) {
        return ConfigJson.parse(
                JsonFields.parse(
                        "test",
                        """
                        {"model_type": "llama4_text", "num_hidden_layers": 5, "vocab_size": 40, "hidden_size": 16,
                        "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 6, "intermediate_size": 8,
                        "intermediate_size_mlp": 24, "num_local_experts": 3, "interleave_moe_layer_step": 3,
                        "max_position_embeddings": %d, "attention_chunk_size": %s}\
                        """
                                .formatted(positions, chunk)));
    }

    @Test
    void whatLlamaCppOmitsOfKimiLinearIsRefused() {
        new GgufKeys(kimi("\"q_lora_rank\": null"), "m");
        for (String[] other :
                new String[][] {
                    {"q_lora_rank", "\"q_lora_rank\": 4"},
                    {"linear_num_heads", "\"linear_num_heads\": 2"},
                    {"the embedding", "\"tie_word_embeddings\": true"},
                    {"moe_renormalize", "\"moe_renormalize\": false"}
                }) {
            DecoderConfig config = kimi(other[1]);
            var e = assertThrows(ModelException.class, () -> new GgufKeys(config, "m"), other[0]);
            assertTrue(e.getMessage().contains(other[0]), e.getMessage());
        }
    }

    private static DecoderConfig kimi(String more) {
        String heads = more.contains("linear_num_heads") ? "" : "\"linear_num_heads\": 4, ";
        return ConfigJson.parse(
                JsonFields.parse(
                        "test",
                        """
                        {"model_type": "kimi_linear", "num_hidden_layers": 5, "vocab_size": 40, "hidden_size": 16,
                        "num_attention_heads": 4, "num_key_value_heads": 4, "kv_lora_rank": 6, "qk_nope_head_dim": 4,
                        "qk_rope_head_dim": 2, "v_head_dim": 5, "intermediate_size": 24, "moe_intermediate_size": 8,
                        "num_experts": 4, "num_experts_per_token": 2, "linear_head_dim": 6, %s%s}\
                        """
                                .formatted(heads, more)));
    }

    private void refuses(String named, String json, String old, String other) {
        assertTrue(json.contains(old), json);
        var e =
                assertThrows(
                        ModelException.class,
                        () ->
                                new GgufExport(
                                                config(json.replace(old, other)),
                                                Map.of(),
                                                GgufFileType.F32,
                                                Map.of())
                                        .write(temp.resolve("no.gguf"), "m", List.of()));
        assertTrue(e.getMessage().contains(named), e.getMessage());
    }

    private static DecoderConfig config(String json) {
        return ConfigJson.parse(
                JsonFields.parse(
                        "test",
                        """
                        {"vocab_size": 40, "hidden_size": 16, "num_attention_heads": 4, "num_key_value_heads": 1,
                        "head_dim": 6, "sliding_window": 5, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
                        %s}\
                        """
                                .formatted(json)));
    }

    /// Random weights of every name that the model has.
    private static MemoryTensorFile weights(DecoderConfig config) {
        var file = new MemoryTensorFile();
        ModulePaths paths = ModulePaths.of(config);
        paths.linears()
                .forEach(
                        (path, s) -> {
                            if (!path.equals(paths.output())) { // the embedding
                                put(file, path + ".weight", 0, s.out(), s.in());
                            }
                        });
        List<String> whole = new ArrayList<>(paths.whole());
        whole.remove(paths.output());
        for (String path : whole) {
            if (path.equals(paths.embedding())) {
                put(file, path + ".weight", 0, config.vocabSize(), WIDTH);
            } else if (path.endsWith(BlockConfig.End.EMBEDDING)) {
                BlockConfig.End end = config.block().end();
                put(file, path + ".weight", 0, end.rows(), (long) config.layers() * end.width());
            } else {
                put(file, path + ".weight", 1, length(config, path));
            }
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            others(file, config, layer, config.names().block(layer));
        }
        return file;
    }

    private static int length(DecoderConfig config, String path) {
        if (path.endsWith(BlockConfig.End.PROJECTION_NORM)) {
            return config.block().end().width();
        }
        if (path.endsWith("q_norm") || path.endsWith("k_norm")) {
            int layer = Integer.parseInt(path.split("\\.")[2]);
            return config.attention().sizes(layer).headDim();
        }
        return WIDTH;
    }

    private static void others(
            MemoryTensorFile file, DecoderConfig config, int layer, String path) {
        if (config.block().end().scaled()) {
            put(file, path + BlockConfig.End.SCALAR, 1, 1);
        }
        if (config.block().residual().copies().isPresent()) {
            put(file, path + BlockConfig.Copies.SCALE, 1, WIDTH);
        }
        Optional<ExpertsConfig> experts = config.block().feedForward().experts(layer);
        if (experts.isPresent()) {
            int count = experts.get().count();
            int inner = experts.get().inner();
            put(file, path + RouterConfig.SCALE, 1, WIDTH);
            put(file, path + RouterConfig.EXPERT_SCALE, 1, count);
            put(file, path + "experts.gate_up_proj", 0, count, 2L * inner, WIDTH);
            put(file, path + "experts.down_proj", 0, count, WIDTH, inner);
        }
    }

    private static void put(MemoryTensorFile file, String name, float middle, long... shape) {
        UniformRandomProvider random = TinyModels.random(name);
        long count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        double root = middle == 0 ? Math.sqrt(3.0 / shape[shape.length - 1]) : 0.3;
        float[] values = new float[Math.toIntExact(count)];
        for (int i = 0; i < values.length; i++) {
            values[i] = middle + (float) (root * (2 * random.nextDouble() - 1));
        }
        file.put(name, values, shape);
    }
}
