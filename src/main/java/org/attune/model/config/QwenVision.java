package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.model.config.TensorNames.InFile;
import org.attune.model.config.VisionConfig.Connector;
import org.attune.model.config.VisionConfig.Connector.Join;
import org.attune.model.config.VisionConfig.Connector.Linear;
import org.attune.model.config.VisionConfig.Connector.NormAt;
import org.attune.model.config.VisionConfig.Names;
import org.attune.model.config.VisionEncoder.Patches;
import org.attune.model.config.VisionEncoder.Positions;

import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/// What sees pictures in Qwen's models: patches of pictures of any size, rotated by their places,
/// and squares of them that are merged.
final class QwenVision {
    private static final int MOST = DecoderConfig.MOST_FEATURES;
    private static final double EPSILON = 1e-6; // whatever a configuration says
    private static final int IMAGE = 151655; // of an absent image_token_id
    private static final int QUARTER = 4; // of a head: cosines and sines of rows and of columns
    private static final String TEXT = "model.language_model";
    private static final String VISUAL = "model.visual";
    private static final String MERGER = VISUAL + ".merger.";

    /// What files of Qwen2-VL and Qwen2.5-VL call otherwise; some programs write modules' names.
    private static final List<InFile> OLD_NAMES =
            List.of(
                    new InFile(TEXT + ".", TEXT + ".", false),
                    new InFile(VISUAL + ".", VISUAL + ".", false),
                    new InFile(VISUAL + ".", "visual.", true),
                    new InFile(TEXT + ".", "model.", true));

    private QwenVision() {}

    /// Qwen2-VL's.
    static VisionConfig two(JsonFields whole) {
        JsonFields json = vision(whole);
        int width = json.size("embed_dim", MOST, 1280);
        var norm = new NormConfig.Layer(EPSILON);
        return new VisionConfig(
                whole.text("model_type"),
                encoder(
                        json,
                        patches(json, 14, OptionalInt.empty()),
                        width,
                        (int) (width * json.number("mlp_ratio", 4)),
                        norm,
                        rotary(json, false),
                        activation(json, "quick_gelu", false)),
                merger(json, MERGER, "ln_q", "mlp.0", "mlp.2", width, norm, false),
                names(List.of("mlp.fc1"), "mlp.fc2", OLD_NAMES),
                whole.integer("image_token_id", IMAGE),
                false);
    }

    /// Qwen2.5-VL's.
    static VisionConfig twoAndAHalf(JsonFields whole) {
        JsonFields json = vision(whole);
        int width = json.size("hidden_size", MOST, 3584);
        var norm = new NormConfig.Rms(EPSILON, 0);
        VisionEncoder plain =
                encoder(
                        json,
                        patches(json, 14, OptionalInt.empty()),
                        width,
                        json.size("intermediate_size", MOST, 3420),
                        norm,
                        rotary(json, false),
                        activation(json, "silu", true));
        return new VisionConfig(
                whole.text("model_type"),
                windowed(json, plain),
                merger(json, MERGER, "ln_q", "mlp.0", "mlp.2", width, norm, false),
                names(List.of("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj", OLD_NAMES),
                whole.integer("image_token_id", IMAGE),
                false);
    }

    /// Qwen3-VL's.
    static VisionConfig three(JsonFields whole) {
        JsonFields json = vision(whole);
        int width = json.size("hidden_size", MOST, 1152);
        int learned = json.size("num_position_embeddings", MOST, 2304);
        int side = (int) Math.sqrt(learned);
        if (side * side != learned) {
            throw json.invalid("num_position_embeddings", "a square number");
        }
        var norm = new NormConfig.Layer(EPSILON);
        return new VisionConfig(
                whole.text("model_type"),
                encoder(
                        json,
                        patches(json, 16, OptionalInt.of(side)),
                        width,
                        json.size("intermediate_size", MOST, 4304),
                        norm,
                        rotary(json, true),
                        activation(json, "gelu_pytorch_tanh", false)),
                merger(json, MERGER, "norm", "linear_fc1", "linear_fc2", width, norm, false),
                names(List.of("mlp.linear_fc1"), "mlp.linear_fc2", List.of()),
                whole.integer("image_token_id", IMAGE),
                false,
                false,
                deep(whole, json, width),
                OptionalInt.empty());
    }

    private static JsonFields vision(JsonFields whole) {
        return whole.object("vision_config")
                .orElseThrow(() -> whole.invalid("vision_config", "an object"));
    }

    /// @param side learned positions of one; empty: none are learned
    private static Patches patches(JsonFields json, int absent, OptionalInt side) {
        int size = json.size("patch_size", MOST, absent);
        return new Patches(
                side.orElse(merged(json)) * size,
                size,
                json.size("in_channels", MOST, json.size("in_chans", MOST, 3)),
                side.isPresent(),
                false,
                false,
                json.size("temporal_patch_size", MOST, 2));
    }

    private static int merged(JsonFields json) {
        return json.size("spatial_merge_size", MOST, 2);
    }

    private static Positions rotary(JsonFields json, boolean table) {
        Optional<JsonFields> parameters = json.object("rope_parameters");
        parameters.ifPresent(
                p -> {
                    if (!p.text("rope_type", "axial").equals("axial")) {
                        throw p.invalid(
                                "rope_type", "axial: an encoder is rotated in no other way");
                    }
                });
        double theta = json.number("rope_theta", 10000);
        return new Positions.Rotary(
                parameters.map(p -> p.number("rope_theta", theta)).orElse(theta), false, table);
    }

    /// @param gated whether feed-forward parts have gates
    private record Inner(Activation activation, boolean gated) {}

    private static Inner activation(JsonFields json, String absent, boolean gated) {
        return new Inner(ConfigJson.activation(json, "hidden_act", absent), gated);
    }

    private static VisionEncoder encoder(
            JsonFields json,
            Patches patches,
            int width,
            int inner,
            NormConfig norm,
            Positions positions,
            Inner function) {
        int layers = json.size("depth", DecoderConfig.MOST_LAYERS, patches.bias() ? 27 : 32);
        int heads = json.size("num_heads", MOST, 16);
        if (width % (heads * QUARTER) != 0) {
            throw json.invalid(
                    "num_heads",
                    "a number that leaves each a multiple of 4 of the %d features"
                            .formatted(width));
        }
        return new VisionEncoder(
                patches,
                width,
                inner,
                layers,
                layers,
                heads,
                norm,
                positions,
                function.activation(),
                function.gated(),
                true,
                true,
                VisionEncoder.LastNorm.NONE,
                Optional.empty(),
                0,
                Set.of());
    }

    private static VisionEncoder windowed(JsonFields json, VisionEncoder e) {
        int pixels = json.size("window_size", MOST, 112);
        int squares = pixels / merged(json) / e.patches().size();
        if (squares < 1) {
            throw json.invalid("window_size", "at least as many pixels as a merged square has");
        }
        List<Integer> full =
                json.has("fullatt_block_indexes")
                        ? json.integers("fullatt_block_indexes")
                        : List.of(7, 15, 23, 31);
        return new VisionEncoder(
                e.patches(),
                e.width(),
                e.inner(),
                e.layers(),
                e.taken(),
                e.heads(),
                e.norm(),
                e.positions(),
                e.activation(),
                e.gated(),
                e.qkvBias(),
                e.bias(),
                e.lastNorm(),
                e.qkNorm(),
                squares,
                Set.copyOf(full));
    }

    /// Squares side by side, then two linear layers.
    ///
    /// @param path   of the module, with a dot behind it
    /// @param behind whether the norm is of squares; else of patches
    private static Connector merger(
            JsonFields json,
            String path,
            String norm,
            String first,
            String second,
            int width,
            NormConfig kind,
            boolean behind) {
        int side = merged(json);
        int square = width * side * side;
        var at = Optional.of(new NormAt(path + norm, behind ? square : width, kind));
        return new Connector(
                Join.PATCHES,
                side,
                behind ? Optional.empty() : at,
                behind ? at : Optional.empty(),
                List.of(
                        new Linear(path + first, square, square, true, false, false),
                        new Linear(path + second, square, 0, true, true, false)),
                Activation.GELU);
    }

    private static SortedMap<Integer, Connector> deep(
            JsonFields whole, JsonFields json, int width) {
        String key = "deepstack_visual_indexes";
        List<Integer> blocks = json.has(key) ? json.integers(key) : List.of(8, 16, 24);
        int layers = json.size("depth", DecoderConfig.MOST_LAYERS, 27);
        int text =
                ConfigJson.textOf(whole).size("num_hidden_layers", DecoderConfig.MOST_LAYERS, 32);
        boolean fits =
                blocks.stream().allMatch(block -> block >= 0 && block < layers)
                        && Set.copyOf(blocks).size() == blocks.size()
                        && blocks.size() <= text;
        if (!fits) {
            throw new ModelException(
                    "%s of vision_config is %s; accepted: different blocks from 0 to %d, at most %d"
                            .formatted(key, blocks, layers - 1, text));
        }
        var all = new TreeMap<Integer, Connector>();
        for (int i = 0; i < blocks.size(); i++) {
            String path = VISUAL + ".deepstack_merger_list." + i + ".";
            all.put(
                    blocks.get(i),
                    merger(
                            json,
                            path,
                            "norm",
                            "linear_fc1",
                            "linear_fc2",
                            width,
                            new NormConfig.Layer(EPSILON),
                            true));
        }
        return Collections.unmodifiableSortedMap(all);
    }

    private static Names names(List<String> up, String down, List<InFile> inFiles) {
        return new Names(
                TEXT,
                VISUAL,
                "patch_embed.proj",
                "",
                "pos_embed.weight",
                "",
                "blocks",
                List.of("norm1", "norm2"),
                List.of("attn.qkv"),
                List.of(),
                "attn.proj",
                up,
                down,
                List.of(),
                "",
                inFiles);
    }
}
