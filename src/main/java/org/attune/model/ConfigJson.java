package org.attune.model;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.tensor.DType;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Reads `config.json` into a [DecoderConfig]: both the keys of transformers 5
/// (`rope_parameters`,
/// `dtype`, `layer_types`) and the earlier ones (`rope_theta`, `rope_scaling`, `torch_dtype`).
final class ConfigJson {
    private static final double DEFAULT_THETA = 10000;
    private static final int DEFAULT_LABELS = 2; // transformers'

    private ConfigJson() {}

    static DecoderConfig parse(JsonFields json) {
        DecoderFamily family = DecoderFamily.ofModelType(json.text("model_type"), json.where());
        refuseQuantised(json);
        int layers = positive(json, "num_hidden_layers");
        int maxPositions = json.integer("max_position_embeddings", family.absent().maxPositions());
        try {
            return new DecoderConfig(
                    family.modelType(),
                    positive(json, "hidden_size"),
                    positive(json, "intermediate_size"),
                    positive(json, "vocab_size"),
                    layers,
                    attention(json, family, layers),
                    family.mlpBias() && json.flag("mlp_bias", false),
                    activation(json),
                    json.number("rms_norm_eps", 1e-6),
                    json.flag("tie_word_embeddings", false),
                    rope(json, maxPositions),
                    maxPositions,
                    dtype(json),
                    specialIds(json, family),
                    scoreKind(json).isPresent() ? labels(json) : 0,
                    scoreKind(json).orElse(ScoreKind.SEQUENCE));
        } catch (IllegalArgumentException | ModelException e) {
            if (e.getMessage().startsWith(json.where())) {
                throw e;
            }
            throw new ModelException(json.where() + ": " + e.getMessage(), e);
        }
    }

    /// What a classification model judges; empty for any other model.
    private static Optional<ScoreKind> scoreKind(JsonFields json) {
        return json.texts("architectures").stream()
                .flatMap(
                        name ->
                                Arrays.stream(ScoreKind.values())
                                        .filter(kind -> name.endsWith(kind.classSuffix())))
                .findFirst();
    }

    private static int labels(JsonFields json) {
        return json.object("id2label")
                .map(names -> names.keys().size())
                .orElseGet(() -> json.integer("num_labels", DEFAULT_LABELS));
    }

    private static void refuseQuantised(JsonFields json) {
        Optional<JsonFields> quantisation = json.object("quantization_config");
        if (quantisation.isPresent()) {
            throw new ModelException(
                    ("%s: the weights are quantised (quantization_config.quant_method %s); use "
                                    + "the unquantised model or a GGUF file")
                            .formatted(
                                    json.where(),
                                    quantisation.get().text("quant_method", "unknown")));
        }
    }

    private static AttentionConfig attention(JsonFields json, DecoderFamily family, int layers) {
        int heads = positive(json, "num_attention_heads");
        // A key that is null means "as many as heads"; only an absent key has the class default.
        int kvHeads =
                json.mentions("num_key_value_heads")
                        ? json.integer("num_key_value_heads", heads)
                        : family.absent().kvHeads().orElse(heads);
        int headDim =
                json.mentions("head_dim")
                        ? json.integer("head_dim", positive(json, "hidden_size") / heads)
                        : family.absent().headDim().orElse(positive(json, "hidden_size") / heads);
        boolean configured = json.flag("attention_bias", false);
        boolean all = family.attentionBias() == DecoderFamily.BiasRule.IF_CONFIGURED && configured;
        return new AttentionConfig(
                heads,
                kvHeads,
                headDim,
                all || family.attentionBias() == DecoderFamily.BiasRule.QKV,
                all,
                family.qkNorm(),
                windows(json, family, layers));
    }

    private static List<Integer> windows(JsonFields json, DecoderFamily family, int layers) {
        int window = json.mentions("sliding_window") ? json.integer("sliding_window", 0) : 4096;
        var result = new ArrayList<Integer>(layers);
        for (int layer = 0; layer < layers; layer++) {
            boolean narrow =
                    switch (family.window()) {
                        case NONE -> false;
                        case ALL_LAYERS -> true;
                        case UPPER_LAYERS -> isUpperWindowLayer(json, layer, layers);
                    };
            result.add(narrow ? window : 0);
        }
        return result;
    }

    private static boolean isUpperWindowLayer(JsonFields json, int layer, int layers) {
        if (!json.flag("use_sliding_window", false)) {
            return false;
        }
        if (!json.has("layer_types")) {
            return layer >= json.integer("max_window_layers", 28);
        }
        List<String> types = json.texts("layer_types");
        if (types.size() != layers) {
            throw json.invalid("layer_types", "one entry for each of " + layers + " layers");
        }
        return switch (types.get(layer)) {
            case "sliding_attention" -> true;
            case "full_attention" -> false;
            default -> throw json.invalid("layer_types", "full_attention, sliding_attention");
        };
    }

    private static RopeConfig rope(JsonFields json, int maxPositions) {
        Optional<JsonFields> parameters = json.object("rope_parameters");
        Optional<JsonFields> scaling = json.object("rope_scaling").or(() -> parameters);
        double outerTheta = json.number("rope_theta", DEFAULT_THETA);
        double outerPartial = json.number("partial_rotary_factor", 1);
        double theta = scaling.map(s -> s.number("rope_theta", outerTheta)).orElse(outerTheta);
        double partial =
                scaling.map(s -> s.number("partial_rotary_factor", outerPartial))
                        .orElse(outerPartial);
        return new RopeConfig(
                theta,
                partial,
                scaling.map(s -> RopeJson.scaling(json, s, maxPositions))
                        .orElseGet(RopeScaling.None::new));
    }

    private static Activation activation(JsonFields json) {
        return Activation.ofName(json.text("hidden_act", "silu"))
                .orElseThrow(
                        () -> json.invalid("hidden_act", String.join(", ", Activation.allNames())));
    }

    private static DType dtype(JsonFields json) {
        String key = json.has("dtype") ? "dtype" : "torch_dtype";
        return switch (json.text(key, "float32").replace("torch.", "")) {
            case "float32", "float", "auto" -> DType.FLOAT32;
            case "float16", "half" -> DType.FLOAT16;
            case "bfloat16" -> DType.BFLOAT16;
            case "float64" -> DType.FLOAT64;
            default -> throw json.invalid(key, "float32, float16, bfloat16, float64");
        };
    }

    private static SpecialIds specialIds(JsonFields json, DecoderFamily family) {
        DecoderFamily.Absent absent = family.absent();
        return new SpecialIds(
                json.mentions("bos_token_id") ? id(json, "bos_token_id") : absent.bos(),
                json.mentions("eos_token_id") ? json.integers("eos_token_id") : absent.eos(),
                id(json, "pad_token_id"));
    }

    /// A token id; some checkpoints write -1 for none.
    static OptionalInt id(JsonFields json, String key) {
        OptionalInt id = json.optionalInteger(key);
        return id.isPresent() && id.getAsInt() < 0 ? OptionalInt.empty() : id;
    }

    private static int positive(JsonFields json, String key) {
        int value = json.integer(key);
        if (value <= 0) {
            throw json.invalid(key, "a positive integer");
        }
        return value;
    }
}
