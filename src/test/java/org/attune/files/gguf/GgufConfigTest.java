package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.QkNorm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;

class GgufConfigTest {
    @TempDir Path folder;

    /// What llama.cpp would compute and nothing here does is refused, and only that.
    @Test
    void keysThatChangeTheMathematicsAreRefused() throws IOException {
        for (String family : List.of("llama", "qwen2", "qwen3")) {
            String prefix = family + ".";
            DecoderConfig plain = read(family, file -> file);
            refuses(family, "hidden_activation", f -> f.text(prefix + "hidden_activation", "gelu"));
            refuses(family, "logit_scale", f -> f.float32(prefix + "logit_scale", 8));
            refuses(family, "embedding_scale", f -> f.float32(prefix + "embedding_scale", 12));
            refuses(
                    family,
                    "final_logit_softcapping",
                    f -> f.float32(prefix + "final_logit_softcapping", 30));
            refuses(family, "clamp_kqv", f -> f.float32(prefix + "attention.clamp_kqv", 8));
            refuses(family, "attention.scale", f -> f.float32(prefix + "attention.scale", 1));
            refuses(family, "attention.causal", f -> f.flag(prefix + "attention.causal", false));
            if (!family.equals("llama")) { // of which Mixtral's files are
                refuses(family, "expert_count", f -> f.uint32(prefix + "expert_count", 8));
            }
            refuses(family, "new.key", f -> f.uint32(prefix + "new.key", 8));
            refuses(
                    family,
                    "rope.dimension_count",
                    f -> f.uint32(prefix + "rope.dimension_count", 2));
            refuses(
                    family,
                    "attention.value_length",
                    f -> f.uint32(prefix + "attention.value_length", 8));
            refuses(
                    family,
                    "attention.sliding_window",
                    f -> f.uint32(prefix + "attention.sliding_window", 8));
            assertEquals(
                    plain,
                    read(
                            family,
                            f ->
                                    f.text(prefix + "hidden_activation", "silu")
                                            .float32(prefix + "logit_scale", 0)
                                            .float32(prefix + "embedding_scale", 1)
                                            .float32(prefix + "attention.scale", 0.5f)
                                            .flag(prefix + "attention.causal", true)
                                            .uint32(prefix + "expert_count", 0)
                                            .uint32(prefix + "rope.dimension_count", 4)
                                            .uint32(prefix + "attention.value_length", 4)
                                            .uint32(prefix + "attention.sliding_window", 64)));
        }
    }

    /// What files don't say is as in llama.cpp: Gemma 2 has a window in each second layer, and one
    /// of Gemma 3 has only a window if the file says so.
    @Test
    void absentKeysHaveLlamaCppsValues() throws IOException {
        DecoderConfig gemma2 = read("gemma2", 3, f -> f);
        assertEquals(List.of(4096, 0, 4096), gemma2.attention().windows());
        assertEquals(50, gemma2.attention().softcap());
        assertEquals(30, gemma2.ends().softcap());
        assertEquals(List.of(0, 0, 0), read("gemma3", 3, f -> f).attention().windows());
        String window = "gemma3.attention.sliding_window";
        assertEquals(
                List.of(9, 9, 9, 9, 9, 0, 9),
                read("gemma3", 7, f -> f.uint32(window, 9)).attention().windows());
        assertEquals(
                List.of(9, 0, 9),
                read("gemma3", 3, f -> f.uint32(window, 9).uint32(window + "_pattern", 2))
                        .attention()
                        .windows());
        assertEquals(
                List.of(0, 9, 9),
                read("gemma3", 3, f -> f.uint32(window, 9).int32s(window + "_pattern", 0, 1, 1))
                        .attention()
                        .windows());
    }

    /// The largest models of Gemma 2 and 3 divide scores by another root, which no key says.
    @Test
    void largestGemmasHaveAnotherScale() throws IOException {
        UnaryOperator<GgufBuilder> heads = f -> f.uint32("gemma3.attention.key_length", 6);
        assertEquals(1 / Math.sqrt(6), read("gemma3", 61, heads).attention().scale());
        assertEquals(1 / Math.sqrt(4), read("gemma3", 62, heads).attention().scale());
    }

    /// Layers of Gemma 4 have sizes by whether they have a window. An absent cap is 30, and
    /// shared keys are those of the last two layers that have some, as in llama.cpp.
    @Test
    void layersOfGemma4Differ() throws IOException {
        DecoderConfig read = read("gemma4", 6, f -> varied(f, 1, 0, 1, 0, 1, 0));
        assertEquals(List.of(4, 0, 4, 0, 4, 0), read.attention().windows());
        assertEquals(List.of(0, 1, 2, 3, 2, 3), read.attention().varied().get().sources());
        assertEquals(6, read.attention().sizes(0).headDim());
        assertEquals(4, read.attention().sizes(1).headDim());
        assertEquals(30, read.ends().softcap());
        String cap = "gemma4.final_logit_softcapping";
        assertEquals(
                0,
                read("gemma4", 6, f -> varied(f, 1, 0, 1, 0, 1, 0).float32(cap, 0))
                        .ends()
                        .softcap());
        assertRefused("attention.shared_kv_layers", f -> varied(f, 1, 0, 0, 0, 1, 0));
        assertRefused("attention.sliding_window_pattern", f -> varied(f, 1, 0, 1, 0, 1, 1));
        assertRefused(
                "attention.head_count_kv",
                f ->
                        varied(f, 1, 0, 1, 0, 1, 0)
                                .int32s("gemma4.attention.head_count_kv", 1, 1, 2, 1, 1, 1));
        assertRefused(
                "attention.scale",
                f -> varied(f, 1, 0, 1, 0, 1, 0).float32("gemma4.attention.scale", 0.5f));
        String message =
                assertThrows(
                                ModelException.class,
                                () -> read("gemma4", 6, f -> still(f, 1, 0, 1, 0, 1, 0)))
                        .getMessage();
        assertTrue(message.contains("holds no rope_freqs.weight"), message);
    }

    private static GgufBuilder varied(GgufBuilder file, int... windows) {
        return still(file, windows).floats("rope_freqs.weight", new float[] {1, 1e30f}, 2);
    }

    private static GgufBuilder still(GgufBuilder file, int... windows) {
        return file.int32s("gemma4.attention.sliding_window_pattern", windows)
                .uint32("gemma4.attention.sliding_window", 4)
                .uint32("gemma4.attention.shared_kv_layers", 2)
                .uint32("gemma4.attention.key_length", 4)
                .uint32("gemma4.attention.key_length_swa", 6)
                .uint32("gemma4.rope.dimension_count_swa", 6);
    }

    private void assertRefused(String key, UnaryOperator<GgufBuilder> more) {
        String message =
                assertThrows(ModelException.class, () -> read("gemma4", 6, more)).getMessage();
        assertTrue(message.contains("gemma4." + key + " is "), message);
    }

    /// llama.cpp has the chunks of Llama 4 in its code, and knows the model without norms of
    /// queries and keys by its number of experts.
    @Test
    void numbersOfLlama4AreThoseOfLlamaCpp() throws IOException {
        UnaryOperator<GgufBuilder> usual = f -> llama4(f, 16);
        DecoderConfig read = read("llama4", 5, usual);
        assertEquals(List.of(8192, 8192, 8192, 0, 8192), read.attention().windows());
        assertEquals(Set.of(3), read.rope().exceptions().still());
        assertEquals(QkNorm.ROTATED_BARE, read.attention().qkNorm());
        assertEquals(12, read.block().feedForward().inner());
        assertEquals(6, read.block().feedForward().experts(1).get().inner());
        assertTrue(read.block().feedForward().experts(2).isEmpty());
        assertEquals(QkNorm.NONE, read("llama4", 5, f -> llama4(f, 128)).attention().qkNorm());
        String key = "attention.sliding_window";
        refuses("llama4", key, f -> llama4(f, 16).uint32("llama4." + key, 0));
        refuses("llama4", key, f -> llama4(f, 16).uint32("llama4." + key, 32));
        String none =
                assertThrows(ModelException.class, () -> read("llama4", f -> llama4(f, 0)))
                        .getMessage();
        assertTrue(none.contains("llama4.expert_count is "), none);
    }

    private static GgufBuilder llama4(GgufBuilder file, int experts) {
        return file.uint32("llama4.expert_count", experts)
                .uint32("llama4.expert_used_count", 1)
                .uint32("llama4.expert_feed_forward_length", 6)
                .uint32("llama4.interleave_moe_layer_step", 2);
    }

    @Test
    void layersThatPredictFurtherAreNotComputed() throws IOException {
        String key = "glm4moe.nextn_predict_layers";
        UnaryOperator<GgufBuilder> experts =
                f ->
                        f.uint32("glm4moe.expert_count", 4)
                                .uint32("glm4moe.expert_used_count", 2)
                                .uint32("glm4moe.expert_feed_forward_length", 6);
        assertEquals(3, read("glm4moe", 3, experts).layers());
        assertEquals(2, read("glm4moe", 3, f -> experts.apply(f).uint32(key, 1)).layers());
        refuses("glm4moe", "nextn_predict_layers", f -> experts.apply(f).uint32(key, 1));
    }

    @Test
    void partsOfFilesAreRefused() {
        refuses("qwen3", "split.count", f -> f.uint32("split.count", 2));
    }

    /// llama.cpp takes DeepSeek's routers for a softmax if no key says what they are.
    @Test
    void routersOfUnknownKindAreRefused() {
        String message =
                assertThrows(ModelException.class, () -> read("deepseek2", 1, this::latent))
                        .getMessage();
        assertTrue(message.contains("deepseek2.expert_gating_func is missing"), message);
        refuses(
                "deepseek2",
                "expert_gating_func",
                f -> latent(f).uint32("deepseek2.expert_gating_func", 1));
    }

    private GgufBuilder latent(GgufBuilder file) {
        return file.uint32("deepseek2.expert_count", 4)
                .uint32("deepseek2.expert_used_count", 2)
                .uint32("deepseek2.attention.kv_lora_rank", 4)
                .uint32("deepseek2.attention.key_length_mla", 4)
                .uint32("deepseek2.attention.value_length_mla", 4)
                .uint32("deepseek2.rope.dimension_count", 2);
    }

    private DecoderConfig read(String family, UnaryOperator<GgufBuilder> more) throws IOException {
        return read(family, 1, more);
    }

    private DecoderConfig read(String family, int layers, UnaryOperator<GgufBuilder> more)
            throws IOException {
        GgufBuilder builder =
                more.apply(
                                new GgufBuilder()
                                        .text("general.architecture", family)
                                        .uint32(family + ".block_count", layers)
                                        .uint32(family + ".embedding_length", 8)
                                        .uint32(family + ".feed_forward_length", 12)
                                        .uint32(family + ".context_length", 64)
                                        .uint32(family + ".attention.head_count", 2)
                                        .float32(
                                                family + ".attention.layer_norm_rms_epsilon",
                                                1e-5f))
                        .floats("token_embd.weight", new float[40], 5, 8)
                        .floats("blk.0.attn_q.weight", new float[64], 8, 8);
        try (GgufFile file = builder.open(folder.resolve("model.gguf"))) {
            return DecoderConfig.of(file);
        }
    }

    private void refuses(String family, String key, UnaryOperator<GgufBuilder> more) {
        String message = assertThrows(ModelException.class, () -> read(family, more)).getMessage();
        assertTrue(message.contains(key + " is "), message);
        assertTrue(message.contains("accepted: "), message);
    }
}
