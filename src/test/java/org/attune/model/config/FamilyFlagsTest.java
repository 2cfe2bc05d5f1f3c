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
import java.util.Set;

/// Keys whose other value is rare among published models.
class FamilyFlagsTest {
    @TempDir Path folder;

    private DecoderConfig read(String type, String keys) throws IOException {
        Path file = folder.resolve("config.json");
        Files.writeString(
                file,
                """
                {"model_type": "%s", "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24,
                 "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, %s}
                """
                        .formatted(type, keys));
        return DecoderConfig.read(file);
    }

    @Test
    void layersWithoutWindowStandStillUnlessNoWindowIsNamed() throws IOException {
        String full = "\"layer_types\": [\"full_attention\", \"full_attention\"], ";
        assertEquals(
                Set.of(0, 1),
                read("exaone4", full + "\"sliding_window\": 6").rope().exceptions().still());
        assertEquals(
                Set.of(),
                read("exaone4", full + "\"sliding_window\": null").rope().exceptions().still());
    }

    @Test
    void biasesFollowTheirKeys() throws IOException {
        String experts =
                "\"num_experts\": 2, \"num_experts_per_tok\": 1, \"moe_intermediate_size\": 12,"
                        + " \"shared_expert_intermediate_size\": 8, \"qkv_bias\": ";
        assertTrue(read("qwen2_moe", experts + true).attention().qkvBias());
        assertFalse(read("qwen2_moe", experts + false).attention().qkvBias());
        assertTrue(read("ernie4_5", "\"use_bias\": true").mlpBias());
        assertFalse(read("ernie4_5", "\"use_bias\": false").mlpBias());
    }

    @Test
    void phiTakesTwoExpertsWhateverTheirNumberIsSaidToBe() throws IOException {
        String keys =
                "\"attention_bias\": true, \"lm_head_bias\": true, \"num_local_experts\": 3,"
                        + " \"num_experts_per_tok\": ";
        var experts = read("phimoe", keys + 2).block().feedForward().experts();
        assertEquals(2, experts.orElseThrow().chosen());
        var refused = assertThrows(ModelException.class, () -> read("phimoe", keys + 1));
        assertTrue(refused.getMessage().contains("num_experts_per_tok"), refused.getMessage());
    }

    @Test
    void gemma3CapsNoScores() throws IOException {
        String cap = "\"attn_logit_softcapping\": 2.0";
        assertEquals(0, read("gemma3_text", cap).attention().softcap());
        assertEquals(2, read("gemma2", cap).attention().softcap());
    }
}
