package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.model.config.DecoderConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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
            refuses(family, "expert_count", f -> f.uint32(prefix + "expert_count", 8));
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

    private DecoderConfig read(String family, UnaryOperator<GgufBuilder> more) throws IOException {
        GgufBuilder builder =
                more.apply(
                                new GgufBuilder()
                                        .text("general.architecture", family)
                                        .uint32(family + ".block_count", 1)
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
