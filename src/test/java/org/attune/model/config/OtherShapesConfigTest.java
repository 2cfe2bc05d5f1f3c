package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/// Configurations of families whose blocks aren't Llama's. Values of absent keys are those of
/// transformers' classes.
class OtherShapesConfigTest {
    private static final String GEMMA2 =
            "{\"model_type\":\"gemma2\",\"hidden_size\":64,\"intermediate_size\":96,"
                    + "\"vocab_size\":20,\"num_hidden_layers\":3,\"num_attention_heads\":8";
    private static final String GPT2 =
            "{\"model_type\":\"gpt2\",\"n_embd\":48,\"n_layer\":2,\"n_head\":4,\"vocab_size\":20";

    @TempDir private Path folder;

    private DecoderConfig read(String start, String more) throws IOException {
        Path file = folder.resolve("config.json");
        Files.writeString(file, start + more + "}");
        return DecoderConfig.read(file);
    }

    private void refuses(String message, String start, String more) {
        var error = assertThrows(ModelException.class, () -> read(start, more));
        assertTrue(error.getMessage().contains(message), error.getMessage());
        assertTrue(error.getMessage().startsWith(folder.toString()), error.getMessage());
    }

    @Test
    void gemma2sAbsentKeysHaveTheClassDefaults() throws IOException {
        DecoderConfig config = read(GEMMA2, "");
        assertEquals(BlockOrder.SANDWICH, config.block().order());
        assertEquals(new NormConfig.Rms(1e-6, 1), config.block().norm());
        var gates = new FeedForwardConfig(96, true, Activation.GELU_TANH, false);
        assertEquals(gates, config.block().feedForward());
        assertEquals(256, config.headDim());
        assertEquals(4, config.kvHeads());
        assertEquals(1 / Math.sqrt(256), config.attention().scale());
        assertEquals(50, config.attention().softcap());
        assertEquals(List.of(4096, 0, 4096), config.attention().windows());
        assertEquals(new EndsConfig(8, 30, 0), config.ends());
        assertEquals(RopeConfig.of(10000), config.rope());
        assertEquals(8192, config.maxPositionEmbeddings());
        assertTrue(config.tieWordEmbeddings());
        var special = new SpecialIds(OptionalInt.of(2), List.of(1), OptionalInt.of(0));
        assertEquals(special, config.special());
    }

    @Test
    void gemma2sCapsCanBeOff() throws IOException {
        DecoderConfig config =
                read(GEMMA2, ",\"attn_logit_softcapping\":null,\"final_logit_softcapping\":null");
        assertEquals(0, config.attention().softcap());
        assertEquals(0, config.ends().softcap());
    }

    @Test
    void gemma2sLayersAreNamedOrAlternate() throws IOException {
        String types =
                ",\"sliding_window\":16,\"layer_types\":"
                        + "[\"full_attention\",\"full_attention\",\"sliding_attention\"]";
        assertEquals(List.of(0, 0, 16), read(GEMMA2, types).attention().windows());
        refuses("\"sliding_window\" is null", GEMMA2, ",\"sliding_window\":null");
        refuses("accepted: numbers above 0", GEMMA2, ",\"query_pre_attn_scalar\":0");
        refuses("attn_logit_softcapping is -1", GEMMA2, ",\"attn_logit_softcapping\":-1");
        refuses("\"hidden_activation\" is \"xielu\"", GEMMA2, ",\"hidden_activation\":\"xielu\"");
        refuses("use_bidirectional_attention", GEMMA2, ",\"use_bidirectional_attention\":true");
    }

    @Test
    void gpt2sAbsentKeysHaveTheClassDefaults() throws IOException {
        DecoderConfig config = read(GPT2, "");
        assertEquals(BlockOrder.SEQUENTIAL, config.block().order());
        assertEquals(new NormConfig.Layer(1e-5), config.block().norm());
        var plain = new FeedForwardConfig(192, false, Activation.GELU_TANH, true);
        assertEquals(plain, config.block().feedForward());
        assertEquals(1 / Math.sqrt(12), config.attention().scale());
        assertInstanceOf(PositionConfig.Learned.class, config.positions());
        assertFalse(config.rotates());
        assertEquals(1024, config.maxPositionEmbeddings());
        assertTrue(config.tieWordEmbeddings());
        assertEquals(0.1, config.dropout());
        var special = new SpecialIds(OptionalInt.of(50256), List.of(50256), OptionalInt.empty());
        assertEquals(special, config.special());
        assertEquals("transformer.h.1.", config.names().block(1));
    }

    @Test
    void gpt2sOtherKeysAreObeyedOrRefused() throws IOException {
        DecoderConfig config =
                read(
                        GPT2,
                        ",\"n_inner\":50,\"n_positions\":8,\"activation_function\":\"relu\","
                                + "\"scale_attn_weights\":false,\"attn_pdrop\":0,\"resid_pdrop\":0,"
                                + "\"embd_pdrop\":0.2");
        assertEquals(
                new FeedForwardConfig(50, false, Activation.RELU, true),
                config.block().feedForward());
        assertEquals(8, config.maxPositionEmbeddings());
        assertEquals(1, config.attention().scale());
        assertEquals(0.2, config.dropout());
        refuses("\"n_head\" is 4; accepted: a divisor of n_embd, 50", GPT2.replace("48", "50"), "");
        refuses(
                "scale_attn_by_inverse_layer_idx",
                GPT2,
                ",\"scale_attn_by_inverse_layer_idx\":true");
        refuses("add_cross_attention", GPT2, ",\"add_cross_attention\":true");
        refuses("\"activation_function\" is \"x\"", GPT2, ",\"activation_function\":\"x\"");
    }

    @Test
    void whatDiffersFromLlamaIsNamed() throws IOException {
        assertEquals(
                List.of(
                        "capped attention scores",
                        "blocks in the order SANDWICH",
                        "RMS norms with an offset",
                        "activation gelu_pytorch_tanh"),
                read(GEMMA2, "").unlikeLlama());
        assertEquals(List.of("capped attention scores"), read(GEMMA2, "").unlikeTokens());
        assertEquals(
                List.of(
                        "learned positions",
                        "LayerNorm",
                        "feed-forward parts without gates",
                        "activation gelu_pytorch_tanh"),
                read(GPT2, "").unlikeLlama());
        DecoderConfig gpt2 = read(GPT2, "");
        assertThrows(IllegalArgumentException.class, () -> ConfigWriter.configJson(gpt2));
    }
}
