package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.model.config.AttentionConfig.Sizes;
import org.junit.jupiter.api.Test;

import java.util.Collections;
import java.util.List;
import java.util.Optional;

/// Configurations with copies of the residual stream. Values of absent keys are those of
/// transformers' class.
class AltUpJsonTest {
    private static DecoderConfig read(int layers, String more) {
        return ConfigJson.parse(
                JsonFields.parse(
                        "config.json",
                        "{\"model_type\":\"gemma3n_text\",\"hidden_size\":64,\"vocab_size\":20,"
                                + "\"num_attention_heads\":4,\"num_hidden_layers\":"
                                + layers
                                + more
                                + "}"));
    }

    private static void refuses(String message, String more) {
        var error = assertThrows(ModelException.class, () -> read(4, SHARED + more));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    private static final String SHARED = ",\"num_kv_shared_layers\":1";

    @Test
    void absentKeysHaveTheClassDefaults() {
        DecoderConfig config = read(35, "");
        AttentionConfig a = config.attention();
        assertEquals(List.of(512, 512, 512, 512, 0), a.windows().subList(0, 5));
        assertEquals(List.of(512, 0), a.windows().subList(33, 35));
        assertEquals(new Sizes(2, 256, false), a.sizes(0));
        assertEquals(new Sizes(2, 256, false), a.sizes(4));
        assertEquals(List.of(19, 18), List.of(a.source(34), a.source(33)));
        assertEquals(1, a.scale());
        assertEquals(new BlockConfig.End(256, 262144, false), config.block().end());
        assertEquals(
                new BlockConfig.Residual(1, 64, Optional.of(new BlockConfig.Copies(4, 0, true))),
                config.block().residual());
        assertEquals(256, config.block().residual().width(64));
        FeedForwardConfig part = config.block().feedForward();
        assertEquals(16384, part.inner());
        assertEquals(List.of(0.95, 0.0), List.of(part.closed(9), part.closed(10)));
        assertEquals(30, config.ends().softcap());
        assertEquals(8, config.ends().embeddingScale());
        assertEquals(1e6, config.rope().theta());
        assertEquals(10000, config.rope().inWindows().theta());
        assertTrue(config.unwritten().contains("several copies of the residual stream"));
        assertTrue(config.unwritten().contains("gates that are closed by their distribution"));
        assertTrue(config.tieWordEmbeddings());
    }

    @Test
    void smallModelsCloseNoGates() {
        FeedForwardConfig part = read(4, SHARED + ",\"intermediate_size\":9").block().feedForward();
        assertEquals(Collections.nCopies(4, 0.0), part.closed());
        assertEquals(List.of(), part.inners());
        assertEquals(9, part.inner());
    }

    @Test
    void layersMayHaveTheirOwnWidths() {
        FeedForwardConfig part =
                read(4, SHARED + ",\"intermediate_size\":[9,7,9,8]").block().feedForward();
        assertEquals(List.of(9, 7, 9, 8), part.inners());
        assertEquals(9, part.inner());
        FeedForwardConfig alike =
                read(4, SHARED + ",\"intermediate_size\":[9,9,9,9]").block().feedForward();
        assertEquals(List.of(), alike.inners());
    }

    @Test
    void impossibleValuesAreRefused() {
        refuses("altup_active_idx is 4; accepted: 0 to 3", ",\"altup_active_idx\":4");
        refuses("\"altup_num_inputs\" is 0", ",\"altup_num_inputs\":0");
        refuses("one entry for each of 4 layers", ",\"intermediate_size\":[9,7]");
        refuses("integers from 1 to", ",\"intermediate_size\":[9,7,0,8]");
        refuses(
                "activation_sparsity_pattern has 1.0; accepted: [0, 1)",
                ",\"activation_sparsity_pattern\":[0,0,0,1]");
        refuses("one entry for each of 4", ",\"activation_sparsity_pattern\":0.9");
        refuses("sliding_window_pattern", ",\"sliding_window_pattern\":6");
        refuses("laurel_rank", ",\"laurel_rank\":0");
    }
}
