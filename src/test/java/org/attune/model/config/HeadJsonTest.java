package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.JsonFields;
import org.attune.testing.TinyVision;
import org.junit.jupiter.api.Test;

class HeadJsonTest {
    private static final String GEMMA =
            """
            {"model_type": "gemma3", "architectures": ["Gemma3For%s"], %s
             "image_token_index": 7, "mm_tokens_per_image": 4,
             "text_config": {"model_type": "gemma3_text", "hidden_size": 32, "vocab_size": 31,
               "intermediate_size": 44, "num_hidden_layers": 1, "num_attention_heads": 4,
               "num_key_value_heads": 2, "head_dim": 8, "id2label": {"0": "a", "1": "b"}},
             "vision_config": {"hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 1,
               "num_attention_heads": 2, "image_size": 8, "patch_size": 2}}\
            """;

    private static DecoderConfig gemma(String kind, String more) {
        return ConfigJson.parse(JsonFields.parse("test", GEMMA.formatted(kind, more)));
    }

    /// transformers goes by the labels of the whole, whatever its text model's are.
    @Test
    void theWholeSaysWhetherAModelThatSeesScores() {
        String kind = "SequenceClassification";
        assertEquals(1, gemma(kind, "\"id2label\": {\"0\": \"x\"},").labels());
        assertEquals(2, gemma(kind, "").labels(), "as many as where nothing is said");
        assertFalse(gemma("ConditionalGeneration", "").scores());
    }

    @Test
    void aHeadChangesTheEndOfTheClassName() {
        DecoderConfig scores = TinyVision.whole().withLabels(1);
        String text = GEMMA.formatted("ConditionalGeneration", "");
        ObjectNode json = JsonFields.parse("test", text).toNode();
        ConfigWriter.putHead(json, scores);
        assertEquals("Gemma3ForSequenceClassification", json.at("/architectures/0").asText());
        assertTrue(json.at("/id2label/0").isTextual());
        ConfigWriter.putHead(json, TinyVision.whole());
        assertEquals("Gemma3ForConditionalGeneration", json.at("/architectures/0").asText());
        assertFalse(json.has("id2label"));
    }
}
