package org.attune.model.config;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.tensor.DType;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/// Reads `config.json` into a [DecoderConfig]: both the keys of transformers 5
/// (`rope_parameters`,
/// `dtype`, `layer_types`) and the earlier ones (`rope_theta`, `rope_scaling`, `torch_dtype`).
public final class ConfigJson {
    /// Key of how weights are quantised.
    public static final String QUANTISATION = "quantization_config";

    /// Key of the largest size of queries, keys and values.
    static final String CLIP = "clip_qkv";

    private static final String SCALE_DEPTH = "scale_depth";
    private static final String TEXT = "text_config";
    private static final String OWN = "_text"; // behind a model_type: that of its text alone
    static final String FULL = "full_attention";
    static final String WINDOW = "sliding_attention";
    static final String CHUNK = "attention_chunk_size";
    static final String CHUNKED = "chunked_attention";

    private ConfigJson() {}

    /// The configuration of the text model, which models of text and images hold inside of theirs;
    /// any other configuration as it is.
    ///
    /// @param json a whole `config.json`
    public static JsonFields textOf(JsonFields json) {
        Optional<JsonFields> text = json.object(TEXT);
        if (text.isEmpty() && DecoderFamily.hasModelType(json.text("model_type") + OWN)) {
            return flat(json);
        }
        if (text.isEmpty() || DecoderFamily.hasModelType(json.text("model_type"))) {
            return json;
        }
        ObjectNode node = text.get().toNode();
        UsualText.addTo(node);
        VisionFamily.withoutMask(json, node);
        for (String key : List.of("tie_word_embeddings", "dtype", "torch_dtype", QUANTISATION)) {
            boolean outer = key.equals("tie_word_embeddings") || !text.get().has(key);
            if (outer && json.has(key)) {
                node.set(key, json.get(key));
            }
        }
        HeadJson.putOf(json, node);
        return JsonFields.parse(json.where() + ", " + TEXT, node.toString());
    }

    private static JsonFields flat(JsonFields json) {
        ObjectNode node = json.toNode().put("model_type", json.text("model_type") + OWN);
        return JsonFields.parse(json.where(), node.without("vision_config").toString());
    }

    public static DecoderConfig parse(JsonFields whole) {
        DecoderConfig text = text(textOf(whole));
        return VisionFamily.read(whole)
                .map(vision -> text.withVision(vision).withDtype(dtype(whole)))
                .orElse(text);
    }

    private static DecoderConfig text(JsonFields json) {
        DecoderFamily family = DecoderFamily.ofModelType(json.text("model_type"), json.where());
        UncomputedKeys.refuseQuantised(json, family);
        UncomputedKeys.refuse(json, family);
        try {
            return family.reader().apply(json.renamed(family.usualKeys()), family);
        } catch (IllegalArgumentException | ModelException e) {
            if (e.getMessage().startsWith(json.where())) {
                throw e;
            }
            throw new ModelException(json.where() + ": " + e.getMessage(), e);
        }
    }

    /// Reads the configuration of a family whose keys are called as Llama's.
    static DecoderConfig parse(JsonFields json, DecoderFamily family) {
        int layers = json.size("num_hidden_layers", DecoderConfig.MOST_LAYERS);
        int maxPositions =
                json.size(
                        "max_position_embeddings",
                        Integer.MAX_VALUE,
                        family.absent().maxPositions());
        int width = json.size("hidden_size", DecoderConfig.MOST_FEATURES);
        MixersConfig mixers =
                family.mixers()
                        .map(reader -> reader.apply(json, layers))
                        .orElse(MixersConfig.ATTENTION);
        int inner =
                mixers.some(MixersConfig.Parts::feedForward)
                        ? family.inner().applyAsInt(json)
                        : 1; // of no layer
        AttentionConfig attention =
                mixers.some(MixersConfig.Parts::attention)
                        ? attention(json, family, layers)
                        : AttentionConfig.none(layers);
        return new DecoderConfig(
                family.modelType(),
                width,
                json.size("vocab_size", DecoderConfig.MOST_ROWS),
                layers,
                new BlockConfig(
                        family.order().of(json),
                        family.norm()
                                .kind()
                                .apply(json.number(family.norm().key(), family.absent().epsilon())),
                        attention,
                        new FeedForwardConfig(
                                inner,
                                family.gated(),
                                activation(
                                        json,
                                        family.activation().key(),
                                        family.activation().absent()),
                                family.mlpBias().of(json),
                                family.experts()
                                        .filter(_ -> family.hasExperts().test(json))
                                        .map(rule -> rule.read(json, layers))),
                        residualScale(json, family, layers),
                        mixers),
                json.flag("tie_word_embeddings", family.absent().tied()),
                family.rotates().test(json)
                        ? RopeJson.rope(json, family, attention, maxPositions)
                        : new PositionConfig.None(),
                ends(json, family, width),
                maxPositions,
                dtype(json),
                specialIds(json, family),
                HeadJson.labels(json),
                HeadJson.scoreKind(json),
                Optional.empty());
    }

    private static AttentionConfig attention(JsonFields json, DecoderFamily family, int layers) {
        int most = DecoderConfig.MOST_FEATURES;
        int heads = json.size("num_attention_heads", most);
        // A key that is null means "as many as heads"; only an absent key has the class default.
        int kvHeads =
                json.mentions("num_key_value_heads")
                        ? json.size("num_key_value_heads", most, heads)
                        : family.absent().kvHeads().orElse(heads);
        Optional<AttentionConfig.Latent> latent =
                family.latent() ? Optional.of(LatentJson.read(json, heads)) : Optional.empty();
        if (latent.isPresent()) {
            kvHeads = heads; // whatever num_key_value_heads says
        }
        int share = json.size("hidden_size", most) / heads;
        int ownDim =
                json.mentions("head_dim")
                        ? json.size("head_dim", most, share)
                        : family.absent().headDim().orElse(share);
        int headDim = latent.map(l -> l.still() + l.rotated()).orElse(ownDim);
        boolean own = family.scores().scalar().isPresent() || family.scores().unscaled();
        if (!own && !family.multiplies()) {
            UncomputedKeys.refuseScale(json, headDim);
        }
        boolean configured = family.attentionKey().of(json);
        boolean qkvBias =
                switch (family.attentionBias()) {
                    case NONE -> false;
                    case IF_CONFIGURED, QKV_IF_CONFIGURED, OUTPUT_APART -> configured;
                    case QKV -> true;
                    case UNLESS_CONFIGURED -> json.flag("attention_bias", true);
                };
        boolean outputBias =
                switch (family.attentionBias()) {
                    case NONE, QKV, QKV_IF_CONFIGURED -> false;
                    case IF_CONFIGURED -> configured;
                    case UNLESS_CONFIGURED -> qkvBias;
                    case OUTPUT_APART -> json.flag("attention_out_bias", false);
                };
        var attention =
                new AttentionConfig(
                        heads,
                        kvHeads,
                        headDim,
                        qkvBias,
                        outputBias,
                        family.qkNorm().of(json),
                        windows(json, family, layers),
                        json.number(family.dropouts().getFirst(), family.absent().dropout()),
                        latent.isPresent()
                                ? LatentJson.scale(json, headDim)
                                : scale(json, family, headDim),
                        cap(json, "attn_logit_softcapping", family.scores().cap()),
                        family.sinks(),
                        family.gatedAttention(),
                        latent,
                        family.window() == DecoderFamily.WindowRule.CHUNKED);
        return attention.withClip(clip(json));
    }

    /// A family that doesn't obey the key has none by now.
    private static double clip(JsonFields json) {
        double clip = json.number(CLIP, 0);
        if (json.has(CLIP) && !(clip > 0)) {
            throw json.invalid(CLIP, "numbers above 0, or null");
        }
        return clip;
    }

    /// The factor on the products of queries and keys.
    private static double scale(JsonFields json, DecoderFamily family, int headDim) {
        if (family.multiplies()) {
            return json.number("attention_multiplier", 1);
        }
        if (family.scores().unscaled()) {
            return 1;
        }
        if (family.scores().scalar().isEmpty()) {
            return 1 / Math.sqrt(headDim);
        }
        double absent = family.scores().scalar().getAsDouble();
        double scalar = json.number("query_pre_attn_scalar", absent);
        if (!(scalar > 0)) {
            throw json.invalid("query_pre_attn_scalar", "numbers above 0");
        }
        return 1 / Math.sqrt(scalar);
    }

    /// MiniCPM's depends on the depth ([Hu et al. 2024, §3.1](https://arxiv.org/abs/2404.06395)).
    private static double residualScale(JsonFields json, DecoderFamily family, int layers) {
        if (family.obeyed().contains(SCALE_DEPTH)) {
            double root = Math.sqrt(layers);
            return json.number(SCALE_DEPTH, json.mentions(SCALE_DEPTH) ? root : 1.4) / root;
        }
        return family.multiplies() ? json.number("residual_multiplier", 1) : 1;
    }

    private static EndsConfig ends(JsonFields json, DecoderFamily family, int width) {
        if (family.obeyed().contains(SCALE_DEPTH)) {
            String key = "dim_model_base";
            return new EndsConfig(
                    json.number("scale_emb", 12),
                    0,
                    0,
                    json.number(key, json.mentions(key) ? width : 256) / width);
        }
        double factor = family.ends().scalesEmbeddings() ? Math.sqrt(width) : 1;
        double dropout =
                family.dropouts().stream()
                        .skip(1) // that of attention
                        .mapToDouble(key -> json.number(key, family.absent().dropout()))
                        .max()
                        .orElse(0);
        return new EndsConfig(
                family.multiplies() ? json.number("embedding_multiplier", 1) : factor,
                cap(json, "final_logit_softcapping", family.ends().cap()),
                dropout,
                logitScale(json, family),
                family.ends().outputBias(),
                family.ends().embeddingNorm(),
                family.multiplies());
    }

    private static double logitScale(JsonFields json, DecoderFamily family) {
        if (family.ends().logitScale().isPresent()) {
            return json.number("logit_scale", family.ends().logitScale().getAsDouble());
        }
        return family.multiplies() ? 1 / json.number("logits_scaling", 1) : 1;
    }

    /// A key that is null means none.
    ///
    /// @param absent empty: the family doesn't obey the key
    private static double cap(JsonFields json, String key, OptionalDouble absent) {
        boolean none = absent.isEmpty() || json.mentions(key) && !json.has(key);
        return none ? 0 : json.number(key, absent.getAsDouble());
    }

    /// Layers that `layer_types` calls chunked, or that rotate.
    private static List<Integer> chunks(JsonFields json, int layers) {
        boolean none = json.mentions(CHUNK) && !json.has(CHUNK);
        int size = none ? 0 : json.size(CHUNK, Integer.MAX_VALUE, 8192);
        List<String> types = json.texts("layer_types");
        boolean known = types.stream().allMatch(t -> t.equals(CHUNKED) || t.equals(FULL));
        if (!known
                || !types.isEmpty() && types.size() != layers
                || none && types.contains(CHUNKED)) {
            throw json.invalid(
                    "layer_types",
                    "%s or %s for each of %d layers, the latter with %s"
                            .formatted(FULL, CHUNKED, layers, CHUNK));
        }
        Set<Integer> still = RopeJson.still(json, layers);
        return IntStream.range(0, layers)
                .mapToObj(
                        layer ->
                                types.isEmpty()
                                        ? still.contains(layer)
                                        : types.get(layer).equals(FULL))
                .map(sees -> sees ? 0 : size)
                .toList();
    }

    private static List<Integer> windows(JsonFields json, DecoderFamily family, int layers) {
        if (family.window() == DecoderFamily.WindowRule.CHUNKED) {
            return chunks(json, layers);
        }
        boolean unused = // transformers writes 0 then
                family.window() == DecoderFamily.WindowRule.UPPER_LAYERS
                        && !json.flag("use_sliding_window", false);
        int window =
                !unused && json.mentions("sliding_window")
                        ? json.size("sliding_window", Integer.MAX_VALUE, 0)
                        : family.absent().window();
        List<String> types = // those of other mixers say nothing of windows
                family.mixers().isPresent() ? List.of() : layerTypes(json, layers);
        refuseOtherWindows(json, family, types);
        var result = new ArrayList<Integer>(layers);
        for (int layer = 0; layer < layers; layer++) {
            boolean narrow =
                    switch (family.window()) {
                        case NONE, CHUNKED -> false;
                        case ALL_LAYERS -> true;
                        case ALTERNATING ->
                                types.isEmpty() ? layer % 2 == 0 : types.get(layer).equals(WINDOW);
                        case PATTERN ->
                                types.isEmpty()
                                        ? (layer + 1) % pattern(json, family) != 0
                                        : types.get(layer).equals(WINDOW);
                        case PATTERN_TO_FULL ->
                                layer < layers - 1
                                        && (types.isEmpty()
                                                ? (layer + 1) % pattern(json, family) != 0
                                                : types.get(layer).equals(WINDOW));
                        case LISTED -> types.isEmpty() || types.get(layer).equals(WINDOW);
                        case UPPER_LAYERS -> isUpperWindowLayer(json, layer, types);
                        case UPPER_UNLESS_NULL ->
                                types.isEmpty()
                                        ? layer >= json.integer("max_window_layers", 62)
                                        : types.get(layer).equals(WINDOW);
                    };
            result.add(narrow ? window : 0);
        }
        return result;
    }

    private static int pattern(JsonFields json, DecoderFamily family) {
        return json.size("sliding_window_pattern", Integer.MAX_VALUE, family.absent().pattern());
    }

    private static List<String> layerTypes(JsonFields json, int layers) {
        List<String> types = json.texts("layer_types");
        if (!types.isEmpty() && types.size() != layers) {
            throw json.invalid("layer_types", "one entry for each of " + layers + " layers");
        }
        for (String type : types) {
            if (!type.equals(WINDOW) && !type.equals(FULL)) {
                throw json.invalid("layer_types", FULL + ", " + WINDOW);
            }
        }
        return types;
    }

    /// Windows that the family's code in transformers would pass over or stumble over.
    private static void refuseOtherWindows(
            JsonFields json, DecoderFamily family, List<String> types) {
        String name = family.modelType();
        switch (family.window()) {
            case CHUNKED -> {}
            case NONE -> {
                int all = json.integer("max_position_embeddings", family.absent().maxPositions());
                if (json.integer("sliding_window", all) < all) {
                    throw json.invalid(
                            "sliding_window",
                            "null: %s models see all tokens, this one up to %d"
                                    .formatted(name, all));
                }
                if (types.contains(WINDOW)) {
                    throw json.invalid("layer_types", FULL + " in " + name + " models");
                }
            }
            case ALL_LAYERS -> {
                boolean absent = !json.mentions("sliding_window") && family.absent().window() > 0;
                boolean windows = json.has("sliding_window") || absent;
                if (types.contains(windows ? FULL : WINDOW)) {
                    throw json.invalid(
                            "layer_types",
                            "%s: sliding_window is %s, and it holds for all layers of %s models"
                                    .formatted(
                                            windows ? WINDOW : FULL,
                                            windows ? "set" : "null",
                                            name));
                }
            }
            case ALTERNATING, PATTERN, PATTERN_TO_FULL, LISTED, UPPER_UNLESS_NULL -> {
                boolean none = json.mentions("sliding_window") && !json.has("sliding_window");
                boolean mayBeNone =
                        family.window() == DecoderFamily.WindowRule.LISTED
                                || family.window() == DecoderFamily.WindowRule.UPPER_UNLESS_NULL
                                || family.rotation() == DecoderFamily.RotationRule.FULL_STILL
                                || family.rotation() == DecoderFamily.RotationRule.WINDOWS_ONLY;
                if (none && (types.isEmpty() ? !mayBeNone : types.contains(WINDOW))) {
                    throw json.invalid(
                            "sliding_window", "a number of tokens: some layers have a window");
                }
            }
            case UPPER_LAYERS -> {
                boolean off = !json.flag("use_sliding_window", false);
                boolean none = json.mentions("sliding_window") && !json.has("sliding_window");
                if (types.contains(WINDOW) && (off || none)) {
                    throw json.invalid(
                            "layer_types",
                            "%s while %s"
                                    .formatted(
                                            FULL,
                                            off
                                                    ? "use_sliding_window is not true"
                                                    : "sliding_window is null"));
                }
            }
        }
    }

    private static boolean isUpperWindowLayer(JsonFields json, int layer, List<String> types) {
        if (!json.flag("use_sliding_window", false)) {
            return false;
        }
        return types.isEmpty()
                ? layer >= json.integer("max_window_layers", 28)
                : types.get(layer).equals(WINDOW);
    }

    /// A configuration of a family whose positions are scaled where no key says so.
    static DecoderConfig parseScaled(JsonFields json, DecoderFamily family) {
        if (!json.has("rope_parameters") && !json.has("rope_scaling")) {
            throw json.invalid(
                    "rope_scaling",
                    "the scaling of positions: transformers' absent one isn't none in this family");
        }
        return parse(json, family);
    }

    /// @param fallback what an absent key means; only families that learn by default may learn
    static Activation activation(JsonFields json, String key, String fallback) {
        boolean learns = fallback.equals(Activation.XIELU.configName());
        return Activation.ofName(json.text(key, fallback))
                .filter(a -> learns || a != Activation.XIELU)
                .orElseThrow(
                        () ->
                                json.invalid(
                                        key,
                                        "%s; no other activation is computed"
                                                .formatted(
                                                        String.join(
                                                                ", ",
                                                                Activation.allNames(learns)))));
    }

    static DType dtype(JsonFields json) {
        String key = json.has("dtype") ? "dtype" : "torch_dtype";
        return switch (json.text(key, "float32").replace("torch.", "")) {
            case "float32", "float", "auto" -> DType.FLOAT32;
            case "float16", "half" -> DType.FLOAT16;
            case "bfloat16" -> DType.BFLOAT16;
            case "float64" -> DType.FLOAT64;
            default -> throw json.invalid(key, "float32, float16, bfloat16, float64");
        };
    }

    static SpecialIds specialIds(JsonFields json, DecoderFamily family) {
        DecoderFamily.Absent absent = family.absent();
        return new SpecialIds(
                json.mentions("bos_token_id") ? id(json, "bos_token_id") : absent.bos(),
                json.mentions("eos_token_id") ? json.integers("eos_token_id") : absent.eos(),
                json.mentions("pad_token_id") ? id(json, "pad_token_id") : absent.pad());
    }

    /// A token id; some checkpoints write -1 for none.
    static OptionalInt id(JsonFields json, String key) {
        OptionalInt id = json.optionalInteger(key);
        return id.isPresent() && id.getAsInt() < 0 ? OptionalInt.empty() : id;
    }
}
