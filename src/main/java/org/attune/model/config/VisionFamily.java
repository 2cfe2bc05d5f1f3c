package org.attune.model.config;

import org.attune.files.JsonFields;
import org.attune.model.config.TensorNames.InFile;
import org.attune.model.config.VisionConfig.Connector;
import org.attune.model.config.VisionConfig.Connector.Join;
import org.attune.model.config.VisionConfig.Connector.Linear;
import org.attune.model.config.VisionConfig.Names;
import org.attune.model.config.VisionEncoder.Patches;
import org.attune.model.config.VisionEncoder.Positions;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Families of models that see pictures, by their `model_type`.
enum VisionFamily {
    /// [Laurençon et al. 2024, §3](https://arxiv.org/abs/2408.12637).
    IDEFICS3("idefics3", VisionFamily::idefics3),
    /// transformers' SmolVLM is Idefics3 but for its name.
    SMOLVLM("smolvlm", VisionFamily::idefics3),
    /// [Wang et al. 2024](https://arxiv.org/abs/2409.12191).
    QWEN2_VL("qwen2_vl", QwenVision::two),
    /// [Bai et al. 2025](https://arxiv.org/abs/2502.13923).
    QWEN2_5_VL("qwen2_5_vl", QwenVision::twoAndAHalf),
    /// [Bai et al. 2025](https://arxiv.org/abs/2511.21631).
    QWEN3_VL("qwen3_vl", QwenVision::three);

    /// SigLIP's in Idefics3.
    private static final Names IDEFICS3_NAMES =
            siglip("model.text_model", "model.vision_model", List.of());

    private static Names siglip(String text, String encoder, List<InFile> inFiles) {
        return new Names(
                text,
                encoder,
                "embeddings.patch_embedding",
                "",
                "embeddings.position_embedding.weight",
                "",
                "encoder.layers",
                List.of("layer_norm1", "layer_norm2"),
                List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
                List.of(),
                "self_attn.out_proj",
                List.of("mlp.fc1"),
                "mlp.fc2",
                List.of(),
                "post_layernorm",
                inFiles);
    }

    private static final int MOST = DecoderConfig.MOST_FEATURES;

    private final String modelType;
    private final Function<JsonFields, VisionConfig> reader;

    VisionFamily(String modelType, Function<JsonFields, VisionConfig> reader) {
        this.modelType = modelType;
        this.reader = reader;
    }

    /// What sees pictures in a model; empty, if it has nothing that is computed.
    ///
    /// @param whole a whole `config.json`
    static Optional<VisionConfig> read(JsonFields whole) {
        String type = whole.text("model_type");
        return Arrays.stream(values())
                .filter(f -> f.modelType.equals(type))
                .findFirst()
                .map(f -> f.reader.apply(whole));
    }

    /// All `model_type`s.
    static Set<String> modelTypes() {
        return Arrays.stream(values()).map(f -> f.modelType).collect(Collectors.toSet());
    }

    private static VisionConfig idefics3(JsonFields whole) {
        JsonFields json = vision(whole);
        Patches patches = patches(json, 32, true, false, false);
        int width = json.size("hidden_size", MOST, 1152);
        int side = whole.size("scale_factor", MOST, 2);
        var linear =
                new Linear(
                        "model.connector.modality_projection.proj",
                        width * side * side,
                        0,
                        false,
                        false,
                        false);
        return new VisionConfig(
                whole.text("model_type"),
                siglip(json, patches, new Positions.Buckets()),
                connector(Join.PATCHES, side, List.of(linear)),
                IDEFICS3_NAMES,
                whole.integer("image_token_id", 128257));
    }

    private static JsonFields vision(JsonFields whole) {
        JsonFields json =
                whole.object("vision_config")
                        .orElseThrow(() -> whole.invalid("vision_config", "an object"));
        if (json.number("attention_dropout", 0) != 0) {
            throw json.invalid("attention_dropout", "0: the encoder drops nothing");
        }
        return json;
    }

    private static Patches patches(
            JsonFields json, int absent, boolean bias, boolean classToken, boolean norm) {
        return new Patches(
                json.size("image_size", MOST, 224),
                json.size("patch_size", MOST, absent),
                json.size("num_channels", MOST, 3),
                bias,
                classToken,
                norm);
    }

    /// The encoder of SigLIP ([Zhai et al. 2023](https://arxiv.org/abs/2303.15343)).
    private static VisionEncoder siglip(JsonFields json, Patches patches, Positions positions) {
        int layers = json.size("num_hidden_layers", DecoderConfig.MOST_LAYERS, 12);
        return new VisionEncoder(
                patches,
                json.size("hidden_size", MOST, 1152),
                json.size("intermediate_size", MOST, 3072),
                layers,
                layers,
                json.size("num_attention_heads", MOST, 16),
                new NormConfig.Layer(json.number("layer_norm_eps", 1e-6)),
                positions,
                ConfigJson.activation(json, "hidden_act", "gelu_pytorch_tanh"),
                false,
                true,
                true,
                true,
                Optional.empty());
    }

    private static Connector connector(Join join, int side, List<Linear> linears) {
        return new Connector(
                join, side, Optional.empty(), Optional.empty(), linears, Activation.GELU);
    }
}
