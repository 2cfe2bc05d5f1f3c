package org.attune.model.layer;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.model.config.DecoderConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.Devices;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.List;

class UnreadTensorsTest {
    @Test
    void weightsThatNothingIsComputedWithAreRefused() {
        for (String name :
                List.of(
                        "model.layers.0.self_attn.q_proj.bias",
                        "model.layers.1.self_attn.q_norm.weight",
                        "model.layers.1.mlp.down_proj.bias",
                        "model.layers.0.post_feedforward_layernorm.weight",
                        "model.layers.2.input_layernorm.weight",
                        "model.norm.bias",
                        "lm_head.bias",
                        "blk.0.ffn_gate_inp.weight")) {
            String message = refusal(TinyModels.llama(), name, 1);
            assertTrue(message.contains('"' + name + '"'), message);
            assertTrue(message.contains("a llama model of 2 layers"), message);
        }
    }

    @Test
    void headsAndTablesBesideTheBlocksArePassedOver() {
        MemoryTensorFile file = TinyModels.weights(TinyModels.llama());
        file.put("score.weight", new float[32], 1, 32);
        file.put("v_head.summary.weight", new float[32], 1, 32);
        file.put("model.layers.0.self_attn.rotary_emb.inv_freq", new float[4], 4);
        file.put("model.layers.0.self_attn.masked_bias", new float[1], 1);
        load(TinyModels.llama(), file);
    }

    @Test
    void anOutputLayerUnlikeATiedEmbeddingIsRefused() {
        MemoryTensorFile same = TinyModels.weights(TinyModels.tiedLlama());
        MemoryTensorFile separate = TinyModels.weights(TinyModels.llama());
        float[] embedding = same.values("model.embed_tokens.weight");
        same.put("lm_head.weight", embedding, 31, 32);
        load(TinyModels.tiedLlama(), same);
        String message =
                assertThrows(ModelException.class, () -> load(TinyModels.tiedLlama(), separate))
                        .getMessage();
        assertTrue(message.contains("tie_word_embeddings is true"), message);
    }

    private static String refusal(DecoderConfig config, String name, int size) {
        MemoryTensorFile file = TinyModels.weights(config);
        file.put(name, new float[size], size);
        return assertThrows(ModelException.class, () -> load(config, file)).getMessage();
    }

    private static void load(DecoderConfig config, MemoryTensorFile file) {
        Engine.run(() -> Decoder.load(config, file, Devices.usual(), DType.FLOAT32).close());
    }
}
