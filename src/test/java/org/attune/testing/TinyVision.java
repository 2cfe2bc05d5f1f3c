package org.attune.testing;

import org.attune.files.JsonFields;
import org.attune.model.config.ConfigJson;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.NormConfig;
import org.attune.model.config.VisionConfig;
import org.attune.model.config.VisionConfig.Connector.Linear;
import org.attune.model.config.VisionEncoder;

import java.util.List;
import java.util.Map;

/// Tiny models that see, and weights of what sees in them.
public final class TinyVision {
    private TinyVision() {}

    /// A Gemma 3 that sees tiles of 8 pixels, each 4 rows, which see each other; its first layer
    /// has a window of 3 tokens. The image token is 7.
    public static DecoderConfig whole() {
        var json =
                JsonFields.of(
                        "tiny",
                        Map.of(
                                "model_type",
                                "gemma3",
                                "image_token_index",
                                7,
                                "mm_tokens_per_image",
                                4,
                                "text_config",
                                Map.of(
                                        "model_type", "gemma3_text",
                                        "hidden_size", 32,
                                        "intermediate_size", 44,
                                        "vocab_size", 31,
                                        "num_hidden_layers", 2,
                                        "num_attention_heads", 4,
                                        "num_key_value_heads", 2,
                                        "head_dim", 8,
                                        "sliding_window", 3,
                                        "layer_types",
                                                List.of("sliding_attention", "full_attention")),
                                "vision_config",
                                Map.of(
                                        "hidden_size", 12,
                                        "intermediate_size", 20,
                                        "num_hidden_layers", 2,
                                        "num_attention_heads", 2,
                                        "image_size", 8,
                                        "patch_size", 2)));
        return ConfigJson.parse(json);
    }

    /// A PaliGemma 2 that sees tiles of 8 pixels, each 4 rows; its first layer has a window of 3
    /// tokens. The image token is 7.
    public static DecoderConfig prompts() {
        var json =
                JsonFields.of(
                        "tiny",
                        Map.of(
                                "model_type",
                                "paligemma",
                                "image_token_index",
                                7,
                                "text_config",
                                Map.of(
                                        "model_type", "gemma2",
                                        "hidden_size", 32,
                                        "intermediate_size", 44,
                                        "vocab_size", 31,
                                        "num_hidden_layers", 2,
                                        "num_attention_heads", 4,
                                        "num_key_value_heads", 2,
                                        "head_dim", 8,
                                        "sliding_window", 3,
                                        "use_bidirectional_attention", true),
                                "vision_config",
                                Map.of(
                                        "hidden_size", 12,
                                        "intermediate_size", 20,
                                        "num_hidden_layers", 2,
                                        "num_attention_heads", 2,
                                        "image_size", 8,
                                        "patch_size", 4)));
        return ConfigJson.parse(json);
    }

    /// A LLaVA-OneVision that sees tiles of 8 pixels, each 4 rows, of which those of one tile stand
    /// as they are. The image token is 7.
    public static DecoderConfig lines() {
        var json =
                JsonFields.of(
                        "tiny",
                        Map.of(
                                "model_type",
                                "llava_onevision",
                                "image_token_index",
                                7,
                                "vision_aspect_ratio",
                                "anyres_max_1",
                                "text_config",
                                Map.of(
                                        "model_type", "llama",
                                        "hidden_size", 32,
                                        "intermediate_size", 44,
                                        "vocab_size", 31,
                                        "num_hidden_layers", 2,
                                        "num_attention_heads", 4,
                                        "num_key_value_heads", 2),
                                "vision_config",
                                Map.of(
                                        "hidden_size", 12,
                                        "intermediate_size", 20,
                                        "num_hidden_layers", 2,
                                        "num_attention_heads", 2,
                                        "image_size", 8,
                                        "patch_size", 4)));
        return ConfigJson.parse(json);
    }

    static void put(MemoryTensorFile file, VisionConfig v, int width) {
        List<Linear> projections = v.connector().linears();
        List<String> paths = projections.stream().map(Linear::path).toList();
        v.linears(width)
                .forEach(
                        (path, shape) -> {
                            boolean bias =
                                    v.lines().isPresent()
                                            || v.throughWindows()
                                            || !paths.contains(path);
                            TinyModels.linear(file, path, (int) shape[0], (int) shape[1], bias);
                        });
        for (Linear l : projections) {
            if (l.matrix()) {
                TinyModels.normal(file, l.path(), 0.3, l.in(width), l.out(width));
            }
        }
        v.norms()
                .forEach(
                        (path, size) -> {
                            TinyModels.norm(file, path + ".weight", size);
                            boolean last =
                                    v.connector().behind().stream()
                                            .anyMatch(
                                                    n ->
                                                            n.path().equals(path)
                                                                    && n.kind()
                                                                            instanceof
                                                                            NormConfig.Rms);
                            if (!last) {
                                TinyModels.normal(file, path + ".bias", 0.1, size);
                            }
                        });
        VisionEncoder e = v.encoder();
        VisionEncoder.Patches read = e.patches();
        int size = read.size();
        TinyModels.normal(
                file, v.patches() + ".weight", 0.3, e.width(), read.channels(), size, size);
        TinyModels.normal(file, v.patches() + ".bias", 0.3, e.width());
        TinyModels.normal(file, v.positions(), 0.3, e.places(), e.width());
        if (v.lines().isPresent()) {
            TinyModels.normal(file, v.newline(), 0.3, width);
        }
    }
}
