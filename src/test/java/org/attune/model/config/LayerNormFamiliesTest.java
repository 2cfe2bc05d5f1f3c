package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/// Configurations of families with LayerNorm beside a rotary embedding. Values of absent keys are
/// those of transformers' classes.
class LayerNormFamiliesTest {
    private static final String SIZES =
            "\"hidden_size\":64,\"intermediate_size\":96,\"vocab_size\":20,"
                    + "\"num_hidden_layers\":4,\"num_attention_heads\":4";

    @TempDir private Path folder;

    private DecoderConfig read(String family, String more) throws IOException {
        Path file = folder.resolve("config.json");
        Files.writeString(file, "{\"model_type\":\"" + family + "\"," + SIZES + more + "}");
        return DecoderConfig.read(file);
    }

    private void refuses(String message, String family, String more) {
        var error = assertThrows(ModelException.class, () -> read(family, more));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void gptNeoxReadsItsOwnKeysOfRotation() throws IOException {
        DecoderConfig absent = read("gpt_neox", "");
        assertEquals(BlockOrder.PARALLEL, absent.block().order());
        assertEquals(new NormConfig.Layer(1e-5, 0, true), absent.block().norm());
        assertEquals(0.25, absent.rope().partialRotaryFactor());
        assertTrue(absent.attention().qkvBias() && absent.attention().outputBias());
        assertTrue(absent.mlpBias());
        assertEquals(Activation.GELU, absent.activation());
        assertEquals("embed_out", absent.names().head());
        assertEquals(2, absent.names().norms().size());
        DecoderConfig other =
                read(
                        "gpt_neox",
                        ",\"rotary_pct\":0.5,\"rotary_emb_base\":500,\"attention_bias\":false,"
                                + "\"use_parallel_residual\":false,\"hidden_dropout\":0.2");
        assertEquals(BlockOrder.SEQUENTIAL, other.block().order());
        assertEquals(0.5, other.rope().partialRotaryFactor());
        assertEquals(500, other.rope().theta());
        assertFalse(other.attention().qkvBias());
        assertEquals(0.2, other.dropout());
        assertEquals("the largest of attention_dropout and hidden_dropout", other.dropoutKeys());
        refuses("rotary_pct", "phi", ",\"rotary_pct\":0.5");
    }

    @Test
    void stableLmHasOneNormWhereBothPartsReadTheInput() throws IOException {
        DecoderConfig absent = read("stablelm", ",\"num_key_value_heads\":2");
        assertEquals(BlockOrder.SEQUENTIAL, absent.block().order());
        assertEquals(2, absent.names().norms().size());
        assertEquals(QkNorm.NONE, absent.attention().qkNorm());
        assertFalse(absent.attention().qkvBias());
        assertEquals(0.25, absent.rope().partialRotaryFactor());
        DecoderConfig other =
                read(
                        "stablelm",
                        ",\"num_key_value_heads\":2,\"use_parallel_residual\":true,"
                                + "\"qk_layernorm\":true,\"use_qkv_bias\":true");
        assertEquals(List.of("input_layernorm"), other.names().norms());
        assertEquals(QkNorm.EACH, other.attention().qkNorm());
        assertTrue(other.attention().qkvBias());
        assertFalse(other.attention().outputBias());
    }

    @Test
    void phiAndStarCoderHaveBiases() throws IOException {
        DecoderConfig phi = read("phi", ",\"qk_layernorm\":true,\"embd_pdrop\":0.1");
        assertTrue(phi.ends().outputBias() && phi.mlpBias() && phi.attention().outputBias());
        assertEquals(QkNorm.HEADS, phi.attention().qkNorm());
        assertEquals(0.1, phi.dropout());
        DecoderConfig starCoder = read("starcoder2", ",\"use_bias\":false");
        assertFalse(starCoder.mlpBias() || starCoder.attention().qkvBias());
        assertTrue(starCoder.tieWordEmbeddings());
        assertEquals(2, starCoder.kvHeads());
    }

    @Test
    void nemotronAddsOneToWeights() throws IOException {
        DecoderConfig config = read("nemotron", "");
        assertEquals(new NormConfig.Layer(1e-5, 1, true), config.block().norm());
        assertEquals(Activation.RELU_SQUARED, config.activation());
        assertFalse(config.mlpBias());
        DecoderConfig jais = read("jais2", "");
        assertTrue(jais.mlpBias() && jais.attention().qkvBias());
    }

    @Test
    void cohereScalesLogits() throws IOException {
        DecoderConfig cohere = read("cohere", ",\"use_qk_norm\":true");
        assertEquals(new NormConfig.Layer(1e-5, 0, false), cohere.block().norm());
        assertEquals(QkNorm.EACH, cohere.attention().qkNorm());
        assertEquals(0.0625, cohere.ends().logitScale());
        assertEquals(RopeConfig.Pairs.NEIGHBOURS, cohere.rope().pairs());
        DecoderConfig second = read("cohere2", ",\"logit_scale\":0.5");
        assertEquals(List.of(4096, 4096, 4096, 0), second.attention().windows());
        assertEquals(Set.of(3), second.rope().exceptions().still());
        assertEquals(0.5, second.ends().logitScale());
        DecoderConfig full =
                read(
                        "cohere2",
                        ",\"layer_types\":[\"full_attention\",\"full_attention\","
                                + "\"full_attention\",\"full_attention\"]");
        assertEquals(Set.of(0, 1, 2, 3), full.rope().exceptions().still());
    }
}
