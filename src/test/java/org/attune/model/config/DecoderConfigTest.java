package org.attune.model.config;

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
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

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
        assertEquals(1e-6, config.normEps());
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
        assertEquals(QkNorm.HEADS, qwen3.attention().qkNorm());
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

    /// Layers with a window have another base in Gemma 3; every fourth layer of SmolLM3 is still.
    @Test
    void layersMayRotateOtherwise() throws IOException {
        String sizes = ",\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":8";
        DecoderConfig gemma =
                read("gemma3_text", sizes + ",\"num_hidden_layers\":7,\"sliding_window\":5");
        assertEquals(List.of(5, 5, 5, 5, 5, 0, 5), gemma.attention().windows());
        assertEquals(1e6, gemma.rope().theta());
        assertEquals(10000, gemma.rope().inWindows().theta());
        DecoderConfig smol = read("smollm3", sizes + ",\"num_hidden_layers\":5");
        assertTrue(smol.rotates(2));
        assertFalse(smol.rotates(3));
        assertTrue(smol.rotates(4));
        assertEquals(
                Set.of(0),
                read("smollm3", sizes + ",\"num_hidden_layers\":2,\"no_rope_layers\":[0,1]")
                        .rope()
                        .exceptions()
                        .still());
        refuses(
                "\"no_rope_layers\" is [1]; accepted: one number for each of 2 layers",
                "smollm3",
                sizes + ",\"num_hidden_layers\":2,\"no_rope_layers\":[1]");
    }

    @Test
    void mistakesAreNamed() {
        refuses("model_type \"mamba\" is not supported; supported: [llama", "mamba", "");
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
        refuses("quant_method hqq", "llama", ",\"quantization_config\":{\"quant_method\":\"hqq\"}");
        refuses("theta must be finite and > 1, got 0.0", "llama", ",\"rope_theta\":0");
        refuses(
                "\"layer_types\" is [\"full_attention\"]",
                "qwen2",
                ",\"num_key_value_heads\":2,\"use_sliding_window\":true,"
                        + "\"layer_types\":[\"full_attention\"]");
    }

    /// What a family doesn't compute is refused where it matters, and only there.
    @Test
    void keysThatChangeTheMathematicsAreRefused() throws IOException {
        for (String family : List.of("llama", "mistral", "qwen2", "qwen3")) {
            for (String name :
                    List.of("gelu", "gelu_pytorch_tanh", "relu", "relu2", "quick_gelu")) {
                for (String key : List.of("hidden_activation", "activation_function")) {
                    String value = "\"" + key + "\":\"" + name + "\"";
                    refuses(
                            "\"%s\" is \"%s\"; accepted: silu".formatted(key, name),
                            family,
                            more(value));
                }
            }
            for (String name : List.of("xielu", "mish")) {
                refuses(
                        "\"hidden_act\" is \"%s\"; accepted: silu".formatted(name),
                        family,
                        more("\"hidden_act\":\"" + name + "\""));
            }
            for (String other : OTHER_MATHEMATICS) {
                String key = other.substring(0, other.indexOf(':'));
                refuses(key + " is ", family, more(other));
            }
            for (String same : SAME_MATHEMATICS) {
                assertEquals(read(family, more("\"x\":0")), read(family, more(same)), same);
            }
        }
    }

    private static final List<String> OTHER_MATHEMATICS =
            List.of(
                    "\"embedding_multiplier\":12.0",
                    "\"residual_multiplier\":0.22",
                    "\"logits_scaling\":8",
                    "\"logit_scale\":0.0625",
                    "\"attention_multiplier\":0.25",
                    "\"query_pre_attn_scalar\":256",
                    "\"attn_logit_softcapping\":50.0",
                    "\"final_logit_softcapping\":30.0",
                    "\"clip_qkv\":8.0",
                    "\"partial_rotary_factor\":0.5",
                    "\"is_causal\":false",
                    "\"use_parallel_residual\":true",
                    "\"no_rope_layers\":[1,1,0]",
                    "\"num_local_experts\":8",
                    "\"norm_type\":\"layernorm\"",
                    "\"position_embedding_type\":\"alibi\"",
                    "\"layer_types\":[\"full_attention\",\"full_attention\",\"linear_attention\"]");

    private static final List<String> SAME_MATHEMATICS =
            List.of(
                    "\"hidden_act\":\"swish\"",
                    "\"hidden_activation\":null",
                    "\"embedding_multiplier\":1.0",
                    "\"attention_multiplier\":0.5",
                    "\"query_pre_attn_scalar\":4",
                    "\"final_logit_softcapping\":null",
                    "\"attention_dropout\":0.0",
                    "\"clip_qkv\":null",
                    "\"partial_rotary_factor\":1",
                    "\"pretraining_tp\":2",
                    "\"no_rope_layers\":[1,1,1]",
                    "\"norm_type\":\"rmsnorm\"",
                    "\"is_causal\":true",
                    "\"initializer_range\":0.3");

    private static String more(String key) {
        return ",\"num_key_value_heads\":2,\"head_dim\":4," + key;
    }

    @Test
    void biasesAndWindowsOfOtherFamiliesAreRefused() throws IOException {
        refuses("attention_dropout is 1.0", "llama", more("\"attention_dropout\":1.0"));
        refuses("attention_dropout is -0.1", "qwen3", more("\"attention_dropout\":-0.1"));
        assertEquals(0.1, read("llama", more("\"attention_dropout\":0.1")).attention().dropout());
        refuses("attention_bias", "mistral", more("\"attention_bias\":true"));
        for (String family : List.of("mistral", "qwen2", "qwen3")) {
            refuses("\"mlp_bias\" is true", family, more("\"mlp_bias\":true"));
            assertFalse(read(family, more("\"mlp_bias\":false")).mlpBias());
        }
        assertTrue(read("qwen2", more("\"attention_bias\":false")).attention().qkvBias());
        refuses("\"sliding_window\" is 512", "llama", more("\"sliding_window\":512"));
        assertEquals(OptionalInt.empty(), read("llama", more("\"sliding_window\":2048")).window(0));
        refuses("\"sliding_window\" is 0", "mistral", more("\"sliding_window\":0"));
        String mixed =
                "\"layer_types\":[\"full_attention\",\"sliding_attention\",\"full_attention\"]";
        refuses("\"layer_types\" is", "llama", more(mixed));
        refuses("\"layer_types\" is", "mistral", more(mixed));
        refuses("\"layer_types\" is", "mistral", more("\"sliding_window\":null," + mixed));
        refuses("use_sliding_window is not true", "qwen2", more(mixed));
        refuses(
                "sliding_window is null",
                "qwen3",
                more("\"use_sliding_window\":true,\"sliding_window\":null," + mixed));
    }

    @Test
    void boundsOfQueriesAreOfThoseWhoObeyThem() throws IOException {
        for (String family : List.of("olmo", "olmoe")) {
            assertEquals(8, read(family, more("\"clip_qkv\":8")).attention().clip());
            assertEquals(0, read(family, more("\"clip_qkv\":null")).attention().clip());
            for (String odd : List.of("0", "-1", "\"8\"")) {
                refuses("\"clip_qkv\" is " + odd, family, more("\"clip_qkv\":" + odd));
            }
        }
    }

    @Test
    void latentAttentionHasBiasesWhereShortVectorsAreMade() throws IOException {
        String sizes =
                "\"kv_lora_rank\":6,\"q_lora_rank\":10,\"qk_nope_head_dim\":4,"
                        + "\"qk_rope_head_dim\":4,\"v_head_dim\":4";
        for (boolean biased : new boolean[] {false, true}) {
            String keys = ",\"attention_bias\":%s,\"mlp_bias\":%s".formatted(biased, biased);
            String more = more(sizes + keys);
            DecoderConfig config = read("minicpm3", more);
            AttentionConfig a = config.attention();
            List<String> with =
                    a.latent().orElseThrow().linears(4, 16).keySet().stream()
                            .filter(a::latentBias)
                            .toList();
            assertEquals(
                    biased
                            ? List.of(
                                    "self_attn.q_a_proj",
                                    "self_attn.kv_a_proj_with_mqa",
                                    "self_attn.o_proj")
                            : List.of(),
                    with);
            assertEquals(biased, config.mlpBias());
        }
    }

    @Test
    void rotationsOfOtherKindsAreRefused() {
        String linear = "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":2,";
        for (String family : List.of("llama", "mistral", "qwen2", "qwen3")) {
            refuses(
                    "\"rope_scaling.mrope_section\" is [1,1]",
                    family,
                    more(linear + "\"mrope_section\":[1,1]}"));
            refuses("\"rope_scaling.alpha\" is 1000", family, more(linear + "\"alpha\":1000}"));
            refuses(
                    "\"rope_scaling.partial_rotary_factor\" is 0.5",
                    family,
                    more(linear + "\"partial_rotary_factor\":0.5}"));
            refuses(
                    "\"rope_parameters.full_attention\" is",
                    family,
                    more("\"rope_parameters\":{\"full_attention\":{\"rope_theta\":5}}"));
        }
    }

    @Test
    void absurdSizesAreNamedBeforeMemoryIsTaken() {
        for (String key :
                List.of(
                        "num_hidden_layers",
                        "hidden_size",
                        "intermediate_size",
                        "vocab_size",
                        "num_attention_heads",
                        "num_key_value_heads",
                        "head_dim")) {
            for (String odd : List.of("2147483647", "2147483648", "-1", "0", "1e30", "\"8\"")) {
                refuses("\"" + key + "\" is ", "llama", ",\"" + key + "\":" + odd);
            }
        }
        refuses("\"max_position_embeddings\" is -5", "llama", ",\"max_position_embeddings\":-5");
        refuses("\"sliding_window\" is -5", "mistral", ",\"sliding_window\":-5");
        refuses(
                "\"num_labels\" is 2147483647",
                "llama",
                ",\"architectures\":[\"LlamaForSequenceClassification\"],"
                        + "\"num_labels\":2147483647");
        refuses(
                "num_attention_heads 1048576 times head_dim 1048576",
                "llama",
                ",\"num_attention_heads\":1048576,\"num_key_value_heads\":1,"
                        + "\"head_dim\":1048576");
        refuses("\"rope_theta\" is \"NaN\"", "llama", ",\"rope_theta\":NaN");
    }

    @Test
    void frequenciesAreFinite() {
        refuses(
                "rotary frequencies that aren't finite",
                "llama",
                ",\"rope_scaling\":{\"type\":\"longrope\",\"short_factor\":[0,0],"
                        + "\"long_factor\":[0,0],\"factor\":2}");
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
        assertEquals(GenerationDefaults.none(), GenerationDefaults.read(folder));
        Files.writeString(
                folder.resolve("generation_config.json"),
                "{\"eos_token_id\":[1,2],\"temperature\":0.6,\"top_k\":20,\"do_sample\":true}");
        GenerationDefaults config = GenerationDefaults.read(folder);
        assertEquals(List.of(1, 2), config.eosIds());
        assertEquals(OptionalDouble.of(0.6), config.temperature());
        assertEquals(OptionalInt.of(20), config.topK());
        assertEquals(OptionalDouble.empty(), config.topP());
        assertTrue(config.doSample());
    }

    private DecoderConfig read(String modelType, String more) throws IOException {
        // What the case says itself is left out.
        String keys =
                Arrays.stream(SHAPE.split(","))
                        .filter(pair -> !more.contains(pair.substring(0, pair.indexOf(':'))))
                        .collect(Collectors.joining(","));
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
