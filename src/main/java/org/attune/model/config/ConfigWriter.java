package org.attune.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.JsonFields;
import org.attune.files.gguf.GgufFile;
import org.attune.tensor.DType;

import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// Writes a [DecoderConfig] as `config.json`. The keys are those from before transformers 5
/// (`rope_theta`, `rope_scaling`, `torch_dtype`), which later versions read too.
public final class ConfigWriter {
    /// Families of which a [DecoderConfig] says all that `config.json` does.
    private static final List<String> PLAIN = List.of("llama", "mistral", "qwen2", "qwen3");

    /// End of transformers' names of classes that see pictures and predict text.
    private static final String SEES = "ForConditionalGeneration";

    private ConfigWriter() {}

    /// The `config.json` of a model from a GGUF file.
    ///
    /// @param config of what is written: the file's, except perhaps for dtype, tied embeddings,
    ///     size of the vocabulary and labels
    public static ObjectNode configJson(GgufFile file, DecoderConfig config) {
        if (PLAIN.contains(config.modelType())) {
            return configJson(config);
        }
        ObjectNode json = GgufConfig.json(file).toNode();
        json.put("torch_dtype", dtypeName(config.dtype()));
        json.put("tie_word_embeddings", config.tieWordEmbeddings());
        json.put("vocab_size", config.vocabSize());
        putLayers(json, config);
        putHead(json, config);
        DecoderConfig written =
                ConfigJson.parse(JsonFields.parse("written config.json", json.toString()));
        if (!written.equals(config)) {
            throw new IllegalArgumentException(
                    "only dtype, tied embeddings, vocabulary size and labels may differ from"
                            + " the file's configuration");
        }
        return json;
    }

    /// A whole `config.json`, of the families that GGUF files have.
    ///
    /// @throws IllegalArgumentException if it is a model of another family
    public static ObjectNode configJson(DecoderConfig config) {
        if (!PLAIN.contains(config.modelType())) {
            throw new IllegalArgumentException(
                    config.modelType() + " models come from folders, which have a config.json");
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        putHead(json, config);
        json.put("model_type", config.modelType());
        json.put("hidden_size", config.hiddenSize());
        json.put("intermediate_size", config.intermediateSize());
        json.put("num_hidden_layers", config.layers());
        json.put("num_attention_heads", config.heads());
        json.put("num_key_value_heads", config.kvHeads());
        json.put("head_dim", config.headDim());
        json.put("vocab_size", config.vocabSize());
        json.put("max_position_embeddings", config.maxPositionEmbeddings());
        json.put("hidden_act", config.activation().configName());
        json.put("rms_norm_eps", config.normEps());
        json.put("tie_word_embeddings", config.tieWordEmbeddings());
        json.put("attention_bias", config.attention().outputBias());
        if (config.attention().dropout() > 0) {
            json.put("attention_dropout", config.attention().dropout());
        }
        json.put("mlp_bias", config.mlpBias());
        json.put("use_cache", true);
        json.put("torch_dtype", dtypeName(config.dtype()));
        putWindows(json, config);
        putRope(json, config);
        putId(json, "bos_token_id", config.special().bos());
        putIds(json, "eos_token_id", config.special().eos());
        putId(json, "pad_token_id", config.special().pad());
        return json;
    }

    /// Which of the family's models it is, and the names of its labels.
    public static void putHead(ObjectNode json, DecoderConfig config) {
        String architecture = architecture(json, config);
        json.putArray("architectures").add(architecture);
        json.remove(List.of("id2label", "label2id", "num_labels"));
        if (config.scores()) {
            ObjectNode names = json.putObject("id2label");
            ObjectNode ids = json.putObject("label2id");
            for (int i = 0; i < config.labels(); i++) {
                names.put("" + i, "LABEL_" + i);
                ids.put("LABEL_" + i, i);
            }
        }
    }

    /// A model that sees keeps the beginning of its class's name; behind it stands what it does.
    private static String architecture(ObjectNode json, DecoderConfig config) {
        if (config.vision().isEmpty()) {
            return DecoderFamily.ofModelType(config.modelType(), "configuration")
                    .architecture(config);
        }
        String own = json.path("architectures").path(0).asText(config.vision().get().modelType());
        String behind = config.scores() ? config.scoreKind().classSuffix() : SEES;
        return own.replaceFirst("For[A-Z]\\w*$", "") + behind;
    }

    /// As many layers as the configuration has, all alike, where the object has another number.
    public static void putLayers(ObjectNode json, DecoderConfig config) {
        int layers = config.layers();
        if (json.path("num_hidden_layers").asInt(layers) == layers) {
            return;
        }
        json.put("num_hidden_layers", layers);
        if (json.path("max_window_layers").isInt()) {
            json.put("max_window_layers", config.attention().windows().getFirst() > 0 ? 0 : layers);
        }
        for (String key : List.of("layer_types", "mlp_layer_types")) {
            if (json.path(key).isArray() && !json.path(key).isEmpty()) {
                JsonNode kind = json.path(key).get(0);
                ArrayNode kinds = json.putArray(key);
                IntStream.range(0, layers).forEach(_ -> kinds.add(kind));
            }
        }
    }

    /// A `generation_config.json` that stops where the configuration does.
    public static ObjectNode generationJson(DecoderConfig config) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        putId(json, "bos_token_id", config.special().bos());
        putIds(json, "eos_token_id", config.special().eos());
        putId(json, "pad_token_id", config.special().pad());
        return json;
    }

    /// PyTorch's name of a type.
    public static String dtypeName(DType dtype) {
        return switch (dtype) {
            case FLOAT16 -> "float16";
            case BFLOAT16 -> "bfloat16";
            case FLOAT64 -> "float64";
            default -> "float32";
        };
    }

    private static void putWindows(ObjectNode json, DecoderConfig config) {
        DecoderFamily.WindowRule rule =
                DecoderFamily.ofModelType(config.modelType(), "configuration").window();
        if (rule == DecoderFamily.WindowRule.NONE || rule == DecoderFamily.WindowRule.CHUNKED) {
            return;
        }
        List<Integer> windows = config.attention().windows();
        int window = windows.stream().mapToInt(Integer::intValue).max().orElse(0);
        if (window == 0) {
            json.putNull("sliding_window");
            return;
        }
        json.put("sliding_window", window);
        if (rule == DecoderFamily.WindowRule.UPPER_LAYERS) {
            json.put("use_sliding_window", true);
            int first =
                    IntStream.range(0, windows.size())
                            .filter(i -> windows.get(i) > 0)
                            .findFirst()
                            .orElse(windows.size());
            json.put("max_window_layers", first);
            ArrayNode types = json.putArray("layer_types");
            windows.forEach(w -> types.add(w > 0 ? "sliding_attention" : "full_attention"));
        }
    }

    private static void putRope(ObjectNode json, DecoderConfig config) {
        if (config.rope().partialRotaryFactor() != 1) {
            throw new IllegalArgumentException("these families rotate heads whole");
        }
        json.put("rope_theta", config.rope().theta());
        ObjectNode scaling = JsonNodeFactory.instance.objectNode();
        switch (RopeFit.namedIfPossible(config)) {
            case RopeScaling.None _ -> {}
            case RopeScaling.Linear(double factor) ->
                    scaling.put("rope_type", "linear").put("factor", factor);
            case RopeScaling.Proportional _ ->
                    throw new IllegalArgumentException("GGUF files here have no zero frequencies");
            case RopeScaling.Dynamic(double factor, int _) ->
                    scaling.put("rope_type", "dynamic").put("factor", factor);
            case RopeScaling.Llama3 llama3 -> putLlama3(scaling, llama3);
            case RopeScaling.Yarn yarn -> putYarn(scaling, yarn);
            case RopeScaling.LongRope _ ->
                    throw new IllegalArgumentException("GGUF files here have no LongRoPE");
            case RopeScaling.Divisors divisors -> putDivisors(scaling, divisors, config);
        }
        if (scaling.isEmpty()) {
            json.putNull("rope_scaling");
        } else {
            json.set("rope_scaling", scaling);
        }
    }

    private static void putLlama3(ObjectNode scaling, RopeScaling.Llama3 llama3) {
        scaling.put("rope_type", "llama3")
                .put("factor", llama3.factor())
                .put("low_freq_factor", llama3.lowFrequency())
                .put("high_freq_factor", llama3.highFrequency())
                .put("original_max_position_embeddings", llama3.originalLength());
    }

    private static void putYarn(ObjectNode scaling, RopeScaling.Yarn yarn) {
        scaling.put("rope_type", "yarn")
                .put("factor", yarn.factor())
                .put("attention_factor", yarn.attentionFactor())
                .put("beta_fast", yarn.betaFast())
                .put("beta_slow", yarn.betaSlow())
                .put("original_max_position_embeddings", yarn.originalLength())
                .put("truncate", yarn.truncate());
    }

    private static void putDivisors(
            ObjectNode scaling, RopeScaling.Divisors divisors, DecoderConfig config) {
        scaling.put("rope_type", "longrope")
                .put("factor", 1.0)
                .put("attention_factor", divisors.attentionFactor())
                .put("original_max_position_embeddings", config.maxPositionEmbeddings());
        for (String key : new String[] {"short_factor", "long_factor"}) {
            ArrayNode array = scaling.putArray(key);
            divisors.divisors().forEach(array::add);
        }
    }

    private static void putId(ObjectNode json, String key, OptionalInt id) {
        if (id.isPresent()) {
            json.put(key, id.getAsInt());
        } else {
            json.putNull(key);
        }
    }

    private static void putIds(ObjectNode json, String key, List<Integer> ids) {
        switch (ids.size()) {
            case 0 -> json.putNull(key);
            case 1 -> json.put(key, ids.getFirst());
            default -> {
                ArrayNode array = json.putArray(key);
                ids.forEach(array::add);
            }
        }
    }
}
