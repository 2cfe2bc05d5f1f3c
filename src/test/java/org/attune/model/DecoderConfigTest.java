package org.attune.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

class DecoderConfigTest {
    private static final String SHAPE =
            "\"hidden_size\":8,\"intermediate_size\":12,\"num_hidden_layers\":3,"
                    + "\"num_attention_heads\":2,\"vocab_size\":20";

    @TempDir Path folder;

    @Test
    void absentKeysHaveLlamasDefaults() throws IOException {
        DecoderConfig config = read("llama", "");
        assertEquals(2, config.kvHeads());
        assertEquals(4, config.headDim());
        assertEquals(1e-6, config.rmsNormEps());
        assertEquals(2048, config.maxPositionEmbeddings());
        assertEquals(RopeConfig.of(10000), config.rope());
        assertEquals(DType.FLOAT32, config.dtype());
        assertEquals(Activation.SILU, config.activation());
        assertEquals(OptionalInt.empty(), config.window(0));
        assertEquals(OptionalInt.of(1), config.special().bos());
        assertEquals(List.of(2), config.special().eos());
        assertEquals(OptionalInt.empty(), config.special().pad());
        assertFalse(config.tieWordEmbeddings());
        assertFalse(config.attention().qkvBias());
    }

    @Test
    void bothStylesMeanTheSame() throws IOException {
        assertEquals(
                read(
                        "llama",
                        ",\"rope_theta\":5e5,\"torch_dtype\":\"bfloat16\","
                                + "\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}"),
                read(
                        "llama",
                        ",\"dtype\":\"bfloat16\",\"rope_parameters\":{\"rope_theta\":500000,"
                                + "\"rope_type\":\"linear\",\"factor\":2.0}"));
    }

    @Test
    void familiesDifferInBiasesNormsAndWindows() throws IOException {
        DecoderConfig mistral = read("mistral", ",\"num_key_value_heads\":1");
        assertEquals(OptionalInt.of(4096), mistral.window(2));
        DecoderConfig qwen2 =
                read(
                        "qwen2",
                        ",\"num_key_value_heads\":null,\"use_sliding_window\":true,"
                                + "\"sliding_window\":5,\"max_window_layers\":2");
        assertTrue(qwen2.attention().qkvBias());
        assertFalse(qwen2.attention().outputBias());
        assertEquals(List.of(0, 0, 5), qwen2.attention().windows());
        DecoderConfig qwen3 = read("qwen3", ",\"num_key_value_heads\":2");
        assertTrue(qwen3.attention().qkNorm());
        assertEquals(128, qwen3.headDim());
        assertFalse(qwen3.attention().qkvBias());
    }

    @Test
    void nullIsNotAbsent() throws IOException {
        // Mistral's class default of 4096 counts only if the key is missing.
        assertEquals(
                OptionalInt.empty(),
                read("mistral", ",\"sliding_window\":null,\"num_key_value_heads\":2").window(0));
    }

    @Test
    void layerTypesDecideBeforeMaxWindowLayers() throws IOException {
        String types =
                ",\"layer_types\":[\"sliding_attention\",\"full_attention\",\"full_attention\"]";
        DecoderConfig config =
                read(
                        "qwen2",
                        ",\"num_key_value_heads\":2,\"use_sliding_window\":true,"
                                + "\"sliding_window\":5"
                                + types);
        assertEquals(List.of(5, 0, 0), config.attention().windows());
    }

    @Test
    void severalEndTokensAreKept() throws IOException {
        assertEquals(
                List.of(7, 9, 11), read("llama", ",\"eos_token_id\":[7,9,11]").special().eos());
        assertEquals(OptionalInt.empty(), read("llama", ",\"pad_token_id\":-1").special().pad());
    }

    @Test
    void mistakesAreNamed() {
        refuses("model_type \"gemma\" is not supported; supported: [llama", "gemma", "");
        refuses(
                "\"hidden_size\" is \"big\"; accepted: an integer",
                "llama",
                ",\"hidden_size\":\"big\"");
        refuses("\"hidden_act\" is \"mish\"; accepted: silu", "llama", ",\"hidden_act\":\"mish\"");
        refuses(
                "\"rope_scaling.type\" is \"su\"",
                "llama",
                ",\"rope_scaling\":{\"type\":\"su\",\"factor\":2}");
        refuses(
                "\"rope_scaling.factor\" is 0.5",
                "llama",
                ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":0.5}");
        refuses("no multiple of num_key_value_heads 3", "llama", ",\"num_key_value_heads\":3");
        refuses("it must be even", "llama", ",\"head_dim\":3");
        refuses(
                "quant_method gptq",
                "llama",
                ",\"quantization_config\":{\"quant_method\":\"gptq\"}");
        refuses("theta must be finite and > 1, got 0.0", "llama", ",\"rope_theta\":0");
        refuses(
                "\"layer_types\" is [\"full_attention\"]",
                "qwen2",
                ",\"num_key_value_heads\":2,\"use_sliding_window\":true,"
                        + "\"layer_types\":[\"full_attention\"]");
    }

    @Test
    void damagedFilesAreNamed() throws IOException {
        Path file = folder.resolve("config.json");
        for (String text : List.of("", "[]", "{\"model_type\":", "{} {}", "nonsense")) {
            Files.writeString(file, text);
            var error = assertThrows(ModelException.class, () -> DecoderConfig.read(folder));
            assertTrue(error.getMessage().contains("config.json"), error.getMessage());
        }
        Files.delete(file);
        var error = assertThrows(ModelException.class, () -> DecoderConfig.read(folder));
        assertTrue(error.getMessage().endsWith("config.json does not exist"), error.getMessage());
    }

    @Test
    void generationConfigIsOptional() throws IOException {
        assertEquals(GenerationConfig.none(), GenerationConfig.read(folder));
        Files.writeString(
                folder.resolve("generation_config.json"),
                "{\"eos_token_id\":[1,2],\"temperature\":0.6,\"top_k\":20,\"do_sample\":true}");
        GenerationConfig config = GenerationConfig.read(folder);
        assertEquals(List.of(1, 2), config.eosIds());
        assertEquals(OptionalDouble.of(0.6), config.temperature());
        assertEquals(OptionalInt.of(20), config.topK());
        assertEquals(OptionalDouble.empty(), config.topP());
        assertTrue(config.doSample());
    }

    private DecoderConfig read(String modelType, String more) throws IOException {
        String keys =
                more.contains("\"hidden_size\"") ? SHAPE.replace("\"hidden_size\":8,", "") : SHAPE;
        Files.writeString(
                folder.resolve("config.json"),
                "{\"model_type\":\"" + modelType + "\"," + keys + more + "}");
        return DecoderConfig.read(folder);
    }

    private void refuses(String message, String modelType, String more) {
        var error = assertThrows(ModelException.class, () -> read(modelType, more));
        assertTrue(error.getMessage().contains(message), error.getMessage());
        assertTrue(error.getMessage().startsWith(folder.toString()), error.getMessage());
    }
}
