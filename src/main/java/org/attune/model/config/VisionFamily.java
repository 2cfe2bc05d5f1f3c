package org.attune.model.config;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.model.config.VisionConfig.Connector;
import org.attune.model.config.VisionConfig.Connector.Join;
import org.attune.model.config.VisionConfig.Connector.Linear;
import org.attune.model.config.VisionConfig.Connector.NormAt;
import org.attune.model.config.VisionConfig.Names;
import org.attune.model.config.VisionEncoder.LastNorm;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Families of models that see pictures, by their `model_type`.
enum VisionFamily {
    /// [Laurençon et al. 2024, §3](https://arxiv.org/abs/2408.12637).
    IDEFICS3("idefics3", VisionFamily::idefics3),
    /// transformers' SmolVLM is Idefics3 but for its name.
    SMOLVLM("smolvlm", VisionFamily::idefics3),
    /// [Gemma Team 2025, §2](https://arxiv.org/abs/2503.19786).
    GEMMA3("gemma3", VisionFamily::gemma3),
    /// PaliGemma ([Beyer et al. 2024](https://arxiv.org/abs/2407.07726)) and PaliGemma 2
    /// ([Steiner et al. 2024](https://arxiv.org/abs/2412.03555)).
    PALIGEMMA("paligemma", VisionFamily::paliGemma),
    /// LLaVA-1.5 ([Liu et al. 2023](https://arxiv.org/abs/2310.03744)), and Pixtral in its class.
    LLAVA("llava", VisionFamily::llava),
    /// LLaVA-1.6 ([Liu et al. 2023, §3.4](https://arxiv.org/abs/2310.03744)).
    LLAVA_NEXT("llava_next", VisionFamily::llavaNext),
    /// [Li et al. 2024](https://arxiv.org/abs/2408.03326).
    LLAVA_ONEVISION("llava_onevision", VisionFamily::llavaOnevision),
    /// [Zhu et al. 2025](https://arxiv.org/abs/2504.10479).
    INTERNVL("internvl", VisionFamily::internVl),
    /// Mistral Small 3.1.
    MISTRAL3("mistral3", VisionFamily::mistral3),
    /// [Wang et al. 2024](https://arxiv.org/abs/2409.12191).
    QWEN2_VL("qwen2_vl", QwenVision::two),
    /// [Bai et al. 2025](https://arxiv.org/abs/2502.13923).
    QWEN2_5_VL("qwen2_5_vl", QwenVision::twoAndAHalf),
    /// [Bai et al. 2025](https://arxiv.org/abs/2511.21631).
    QWEN3_VL("qwen3_vl", QwenVision::three);

    private static final int MOST = EncoderJson.MOST;
    private static final String ACTIVATION = "projector_hidden_act";

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
        VisionEncoder encoder = EncoderJson.idefics3(vision(whole));
        int side = whole.size("scale_factor", MOST, 2);
        int joined = encoder.width() * side * side;
        String path = "model.connector.modality_projection.proj";
        return config(
                whole,
                encoder,
                connector(Join.PATCHES, side, List.of(linear(path, joined, 0, false))),
                VisionNames.IDEFICS3,
                whole.integer("image_token_id", 128257));
    }

    private static VisionConfig gemma3(JsonFields whole) {
        JsonFields json = vision(whole);
        VisionEncoder encoder = EncoderJson.siglip(json, LastNorm.READ);
        int patches = encoder.patches().side();
        int rows = (int) Math.sqrt(whole.size("mm_tokens_per_image", MOST, 256));
        if (patches % rows != 0) {
            throw whole.invalid("mm_tokens_per_image", "a square whose side divides the patches'");
        }
        var norm =
                new NormAt(
                        VisionNames.PROJECTOR + "mm_soft_emb_norm",
                        encoder.width(),
                        new NormConfig.Rms(encoder.norm().epsilon(), 1));
        String path = VisionNames.PROJECTOR + "mm_input_projection_weight";
        var matrix = new Linear(path, encoder.width(), 0, false, false, true);
        var connector =
                new Connector(
                        Join.MEAN,
                        patches / rows,
                        Optional.empty(),
                        Optional.of(norm),
                        List.of(matrix),
                        Activation.GELU);
        return new VisionConfig(
                whole.text("model_type"),
                encoder,
                connector,
                VisionNames.SIGLIP,
                imageToken(whole, 262144),
                true);
    }

    private static VisionConfig paliGemma(JsonFields whole) {
        VisionEncoder encoder = EncoderJson.siglip(vision(whole), LastNorm.READ);
        Linear linear = linear(VisionNames.PROJECTOR + "linear", encoder.width(), 0, true);
        return new VisionConfig(
                whole.text("model_type"),
                encoder,
                connector(Join.PATCHES, 1, List.of(linear)),
                VisionNames.SIGLIP,
                imageToken(whole, 256000),
                true,
                true,
                Collections.emptySortedMap(),
                OptionalInt.empty());
    }

    /// Takes a key away from a text model's configuration by which PaliGemma says that prompts see
    /// themselves, as they do whatever it says.
    ///
    /// @param whole a whole `config.json`
    /// @param text  changed
    static void withoutMask(JsonFields whole, ObjectNode text) {
        if (PALIGEMMA.modelType.equals(whole.text("model_type"))) {
            text.remove("use_bidirectional_attention");
        }
    }

    private static VisionConfig llava(JsonFields whole) {
        return llava(whole, LlavaUsual.CLIP, 32000);
    }

    private static VisionConfig llavaNext(JsonFields whole) {
        VisionConfig config = llava(whole, LlavaUsual.CLIP, 32000);
        requireTiles(config, whole);
        return config.inLines(0);
    }

    private static VisionConfig llavaOnevision(JsonFields whole) {
        VisionConfig config = llava(whole, LlavaUsual.SIGLIP, 151646);
        requireTiles(config, whole);
        String key = "vision_aspect_ratio";
        String ratio = whole.text(key, "anyres_max_9");
        if (!ratio.matches("anyres_max_[1-9][0-9]{0,3}")) {
            throw whole.invalid(key, "anyres_max_ and a number of tiles");
        }
        return config.inLines(Integer.parseInt(ratio.substring(ratio.lastIndexOf('_') + 1)));
    }

    private static void requireTiles(VisionConfig config, JsonFields whole) {
        if (!(config.encoder().positions() instanceof VisionEncoder.Positions.Table)) {
            throw whole.invalid("vision_config", "an encoder of square tiles: CLIP's or SigLIP's");
        }
    }

    /// What configurations in the manner of LLaVA mean where they don't say it.
    private enum LlavaUsual {
        CLIP("clip_vision_model", -2, "default"),
        SIGLIP("siglip_vision_model", -1, "full");

        private final String encoder;
        private final int layer;
        private final String strategy;

        LlavaUsual(String encoder, int layer, String strategy) {
            this.encoder = encoder;
            this.layer = layer;
            this.strategy = strategy;
        }
    }

    private static VisionConfig llava(JsonFields whole, LlavaUsual usual, int token) {
        JsonFields json = vision(whole);
        int taken = taken(whole, json, usual.layer);
        String strategy = whole.text("vision_feature_select_strategy", usual.strategy);
        String type = json.text("model_type", usual.encoder);
        VisionEncoder encoder =
                switch (type) {
                    case "clip_vision_model" -> EncoderJson.clip(json, taken);
                    case "siglip_vision_model" -> EncoderJson.siglip(json, taken);
                    case "pixtral" -> EncoderJson.pixtral(json);
                    default ->
                            throw json.invalid(
                                    "model_type",
                                    "clip_vision_model, siglip_vision_model, pixtral");
                };
        boolean drops = encoder.patches().classToken();
        boolean rotates = encoder.positions() instanceof VisionEncoder.Positions.Rotary;
        if (!strategy.equals(drops ? "default" : "full") || encoder.taken() != taken) {
            throw new ModelException(
                    ("%s: an encoder of the kind %s is read by vision_feature_layer %d and"
                                    + " vision_feature_select_strategy %s; accepted: %s, %s")
                            .formatted(
                                    whole.where(),
                                    type,
                                    whole.integer("vision_feature_layer", usual.layer),
                                    strategy,
                                    rotates ? "-1" : "any layer",
                                    drops ? "default" : "full"));
        }
        return config(
                whole,
                encoder,
                mlp(whole, encoder.width(), Optional.empty(), 1, List.of()),
                drops ? VisionNames.CLIP : rotates ? VisionNames.PIXTRAL : VisionNames.SIGLIP,
                imageToken(whole, token));
    }

    private static VisionConfig internVl(JsonFields whole) {
        JsonFields json = vision(whole);
        VisionEncoder encoder = EncoderJson.internVit(json);
        requireLast(whole, json);
        if (!whole.text("vision_feature_select_strategy", "default").equals("default")) {
            throw whole.invalid("vision_feature_select_strategy", "default");
        }
        int side = (int) (1 / whole.number("downsample_ratio", 0.5));
        int joined = encoder.width() * side * side;
        String path = VisionNames.PROJECTOR;
        var norm = new NormAt(path + "layer_norm", joined, new NormConfig.Layer(1e-5));
        var connector =
                new Connector(
                        Join.PATCHES,
                        side,
                        Optional.empty(),
                        Optional.of(norm),
                        twoLinears(joined, true),
                        ConfigJson.activation(whole, ACTIVATION, "gelu"));
        return config(whole, encoder, connector, VisionNames.INTERNVIT, imageToken(whole, 151667));
    }

    private static VisionConfig mistral3(JsonFields whole) {
        JsonFields json = vision(whole);
        VisionEncoder encoder = EncoderJson.pixtral(json);
        requireLast(whole, json);
        int side = whole.size("spatial_merge_size", MOST, 2);
        int width = encoder.width();
        String path = VisionNames.PROJECTOR;
        double epsilon =
                whole.object("text_config").map(t -> t.number("rms_norm_eps", 1e-6)).orElse(1e-6);
        var norm = new NormAt(path + "norm", width, new NormConfig.Rms(epsilon, 0));
        Linear merging =
                linear(path + "patch_merger.merging_layer", width * side * side, width, false);
        return config(
                whole,
                encoder,
                mlp(whole, width, Optional.of(norm), side, List.of(merging)),
                VisionNames.PIXTRAL,
                imageToken(whole, 10));
    }

    private static VisionConfig config(
            JsonFields whole, VisionEncoder encoder, Connector connector, Names names, int token) {
        return new VisionConfig(whole.text("model_type"), encoder, connector, names, token, false);
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

    private static int imageToken(JsonFields whole, int usual) {
        String key = whole.has("image_token_id") ? "image_token_id" : "image_token_index";
        return whole.integer(key, usual);
    }

    /// Blocks whose output `vision_feature_layer` names.
    private static int taken(JsonFields whole, JsonFields json, int usual) {
        if (whole.has("vision_feature_layer") && whole.get("vision_feature_layer").isArray()) {
            throw whole.invalid("vision_feature_layer", "one number: the output of one block");
        }
        int layer = whole.integer("vision_feature_layer", usual);
        int layers = json.size("num_hidden_layers", DecoderConfig.MOST_LAYERS, 12);
        return layer < 0 ? layers + 1 + layer : layer;
    }

    private static void requireLast(JsonFields whole, JsonFields json) {
        int layers = json.size("num_hidden_layers", DecoderConfig.MOST_LAYERS, 24);
        if (whole.has("vision_feature_layer") && taken(whole, json, -1) != layers) {
            throw whole.invalid("vision_feature_layer", "-1: the output of the last block");
        }
    }

    private static Linear linear(String path, int in, int out, boolean bias) {
        return new Linear(path, in, out, bias, false, false);
    }

    private static List<Linear> twoLinears(int in, boolean bias) {
        String path = VisionNames.PROJECTOR;
        return List.of(
                linear(path + "linear_1", in, 0, bias),
                new Linear(path + "linear_2", 0, 0, bias, true, false));
    }

    /// Two linear layers with an activation between them, behind others.
    private static Connector mlp(
            JsonFields whole, int width, Optional<NormAt> before, int side, List<Linear> others) {
        boolean bias = whole.flag("multimodal_projector_bias", before.isEmpty());
        return new Connector(
                Join.FEATURES,
                side,
                before,
                Optional.empty(),
                Stream.concat(others.stream(), twoLinears(width, bias).stream()).toList(),
                ConfigJson.activation(whole, ACTIVATION, "gelu"));
    }

    private static Connector connector(Join join, int side, List<Linear> linears) {
        return new Connector(
                join, side, Optional.empty(), Optional.empty(), linears, Activation.GELU);
    }
}
