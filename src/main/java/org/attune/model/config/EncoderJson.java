package org.attune.model.config;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.files.JsonFields;
import org.attune.model.config.VisionEncoder.LastNorm;
import org.attune.model.config.VisionEncoder.Patches;
import org.attune.model.config.VisionEncoder.Positions;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Reads encoders of pictures from `vision_config`. What it doesn't say is what transformers'
/// classes of configurations say.
final class EncoderJson {
    static final int MOST = DecoderConfig.MOST_FEATURES;

    private static final double PIXTRAL_EPSILON = 1e-5; // in no configuration

    private static final Usual SIGLIP = new Usual(768, 3072, 12, 12, 224, 16);

    private EncoderJson() {}

    /// Sizes that are usual in a family.
    private record Usual(int width, int inner, int layers, int heads, int image, int patch) {}

    /// The encoder of SigLIP ([Zhai et al. 2023](https://arxiv.org/abs/2303.15343)).
    static VisionEncoder siglip(JsonFields json, LastNorm lastNorm) {
        requireNoHead(json);
        return siglip(json, SIGLIP, layers(json, SIGLIP), new Positions.Table(), lastNorm);
    }

    /// SigLIP's, read before its last norm.
    ///
    /// @param taken blocks whose output is read
    static VisionEncoder siglip(JsonFields json, int taken) {
        requireNoHead(json);
        return siglip(json, SIGLIP, taken, new Positions.Table(), LastNorm.KEPT);
    }

    private static void requireNoHead(JsonFields json) {
        if (json.flag("vision_use_head", false)) {
            throw json.invalid("vision_use_head", "false: the head is another task's");
        }
    }

    /// SigLIP's in Idefics3.
    static VisionEncoder idefics3(JsonFields json) {
        var usual = new Usual(1152, 3072, 12, 16, 224, 32);
        return siglip(json, usual, layers(json, usual), new Positions.Buckets(), LastNorm.READ);
    }

    private static VisionEncoder siglip(
            JsonFields json, Usual usual, int taken, Positions positions, LastNorm lastNorm) {
        return plain(
                json,
                usual,
                patches(json, usual, true, false, false),
                taken,
                positions,
                new NormConfig.Layer(json.number("layer_norm_eps", 1e-6)),
                "gelu_pytorch_tanh",
                lastNorm);
    }

    /// The encoder of CLIP ([Radford et al. 2021](https://arxiv.org/abs/2103.00020)).
    ///
    /// @param taken blocks whose output is read
    static VisionEncoder clip(JsonFields json, int taken) {
        var usual = new Usual(768, 3072, 12, 12, 224, 32);
        return plain(
                json,
                usual,
                patches(json, usual, false, true, true),
                taken,
                new Positions.Table(),
                new NormConfig.Layer(json.number("layer_norm_eps", 1e-5)),
                "quick_gelu",
                LastNorm.KEPT);
    }

    private static VisionEncoder plain(
            JsonFields json,
            Usual usual,
            Patches patches,
            int taken,
            Positions positions,
            NormConfig norm,
            String activation,
            LastNorm lastNorm) {
        return new VisionEncoder(
                patches,
                json.size("hidden_size", MOST, usual.width()),
                json.size("intermediate_size", MOST, usual.inner()),
                layers(json, usual),
                taken,
                json.size("num_attention_heads", MOST, usual.heads()),
                norm,
                positions,
                ConfigJson.activation(json, "hidden_act", activation),
                false,
                true,
                true,
                lastNorm,
                Optional.empty(),
                0,
                Set.of());
    }

    /// InternViT ([Chen et al. 2023, §3](https://arxiv.org/abs/2312.14238)).
    static VisionEncoder internVit(JsonFields json) {
        var usual = new Usual(1024, 4096, 24, 16, 448, 14);
        for (String dropout : List.of("hidden_dropout_prob", "projection_dropout")) {
            if (json.number(dropout, 0) != 0) {
                throw json.invalid(dropout, "0: the encoder drops nothing");
            }
        }
        if (!json.flag("use_absolute_position_embeddings", true)) {
            throw json.invalid("use_absolute_position_embeddings", "true");
        }
        double epsilon = json.number("layer_norm_eps", 1e-6);
        NormConfig norm =
                switch (json.text("norm_type", "layer_norm")) {
                    case "layer_norm" -> new NormConfig.Layer(epsilon);
                    case "rms_norm" -> new NormConfig.Rms(epsilon, 0);
                    default -> throw json.invalid("norm_type", "layer_norm, rms_norm");
                };
        int layers = layers(json, usual);
        return new VisionEncoder(
                patches(json, usual, true, true, false),
                json.size("hidden_size", MOST, usual.width()),
                json.size("intermediate_size", MOST, usual.inner()),
                layers,
                layers,
                json.size("num_attention_heads", MOST, usual.heads()),
                norm,
                new Positions.Table(),
                ConfigJson.activation(json, "hidden_act", "gelu"),
                false,
                json.flag("attention_bias", false),
                true,
                json.flag("use_mean_pooling", true) ? LastNorm.NONE : LastNorm.READ,
                json.flag("use_qk_norm", false)
                        ? Optional.of(new NormConfig.Rms(1e-6, 0))
                        : Optional.empty(),
                0,
                Set.of());
    }

    /// Pixtral's ([Agrawal et al. 2024, §2](https://arxiv.org/abs/2410.07073)).
    static VisionEncoder pixtral(JsonFields json) {
        var usual = new Usual(1024, 4096, 24, 16, 1024, 16);
        int layers = layers(json, usual);
        double theta =
                json.object("rope_parameters")
                        .map(rope -> rope.number("rope_theta", 10000))
                        .orElseGet(() -> json.number("rope_theta", 10000));
        return new VisionEncoder(
                patches(json, usual, false, false, true),
                json.size("hidden_size", MOST, usual.width()),
                json.size("intermediate_size", MOST, usual.inner()),
                layers,
                layers,
                json.size("num_attention_heads", MOST, usual.heads()),
                new NormConfig.Rms(PIXTRAL_EPSILON, 0),
                new Positions.Rotary(theta, true),
                ConfigJson.activation(json, "hidden_act", "gelu"),
                true,
                false,
                false,
                LastNorm.NONE,
                Optional.empty(),
                0,
                Set.of());
    }

    private static int layers(JsonFields json, Usual usual) {
        return json.size("num_hidden_layers", DecoderConfig.MOST_LAYERS, usual.layers());
    }

    private static Patches patches(
            JsonFields json, Usual usual, boolean bias, boolean classToken, boolean norm) {
        return new Patches(
                side(json, "image_size", usual.image()),
                side(json, "patch_size", usual.patch()),
                json.size("num_channels", MOST, 3),
                bias,
                classToken,
                norm);
    }

    /// A side of a square: a number, or two that are equal.
    private static int side(JsonFields json, String key, int usual) {
        if (!json.has(key) || !json.get(key).isArray()) {
            return json.size(key, MOST, usual);
        }
        JsonNode both = json.get(key);
        int side = both.path(0).asInt();
        if (both.size() != 2 || side != both.path(1).asInt() || side < 1 || side > MOST) {
            throw json.invalid(key, "a number, or two that are equal");
        }
        return side;
    }
}
