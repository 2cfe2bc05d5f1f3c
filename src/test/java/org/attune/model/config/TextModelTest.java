package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.tensor.DType;
import org.junit.jupiter.api.Test;

/// Configurations of text models inside of those of models of text and images.
class TextModelTest {
    private static final String INNER =
            "{\"model_type\":\"gemma3_text\",\"hidden_size\":64,\"intermediate_size\":96,"
                    + "\"vocab_size\":20,\"num_hidden_layers\":3,\"num_attention_heads\":8,"
                    + "\"tie_word_embeddings\":true}";

    private static JsonFields outer(String inner, String more) {
        return JsonFields.parse(
                "config.json", "{\"model_type\":\"gemma4\",\"text_config\":" + inner + more + "}");
    }

    @Test
    void theTextModelIsReadByItself() {
        JsonFields whole =
                outer(
                        INNER,
                        ",\"tie_word_embeddings\":false,\"dtype\":\"bfloat16\","
                                + "\"vision_config\":{\"hidden_size\":7}");
        DecoderConfig config = ConfigJson.parse(whole);
        assertEquals("gemma3_text", config.modelType());
        assertEquals(64, config.hiddenSize());
        assertEquals(DType.BFLOAT16, config.dtype());
        assertTrue(!config.tieWordEmbeddings()); // the whole model's says it
        JsonFields inner = JsonFields.parse("config.json", INNER);
        assertSame(inner, ConfigJson.textOf(inner));
        assertEquals(DType.FLOAT32, ConfigJson.parse(inner).dtype());
    }

    /// A text's tokens have the same position on all axes of an image.
    @Test
    void sharesOfFrequenciesChangeNoText() {
        String start =
                INNER.replace("gemma3_text", "qwen3_5_text").replace("}", ",")
                        + "\"layer_types\":[\"full_attention\",\"full_attention\","
                        + "\"full_attention\"],\"rope_parameters\":{\"rope_theta\":1e7,"
                        + "\"rope_type\":\"default\"";
        String shared = ",\"mrope_section\":[11,11,10],\"mrope_interleaved\":true";
        assertEquals(
                ConfigJson.parse(outer(start + "}}", "")),
                ConfigJson.parse(outer(start + shared + "}}", "")));
    }

    @Test
    void anUnknownTextModelIsNamed() {
        var error =
                assertThrows(
                        ModelException.class,
                        () -> ConfigJson.parse(outer("{\"model_type\":\"other\"}", "")));
        assertTrue(error.getMessage().contains("text_config"), error.getMessage());
        assertTrue(error.getMessage().contains("\"other\""), error.getMessage());
    }
}
