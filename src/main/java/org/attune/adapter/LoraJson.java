package org.attune.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.AttuneException;
import org.attune.error.ModelException;
import org.attune.files.JsonFields;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/// `adapter_config.json` of PEFT's LoRA. Unknown fields are ignored, since newer versions add some;
/// known ones that change the numbers and that Attune doesn't have are refused by name.
final class LoraJson {
    /// Fields that change what an adapter computes, each off when absent, null, false or empty.
    private static final List<String> REFUSED =
            List.of(
                    "use_dora",
                    "lora_bias",
                    "layer_replication",
                    "target_parameters",
                    "trainable_token_indices",
                    "alora_invocation_tokens",
                    "use_qalora",
                    "use_bdlora",
                    "megatron_config",
                    "arrow_config",
                    "kasa_config",
                    "monteclora_config",
                    "velora_config");

    /// Written as PEFT's defaults, because older versions expect some of them.
    private static final List<String> WRITTEN_NULL =
            List.of(
                    "auto_mapping",
                    "layer_replication",
                    "megatron_config",
                    "revision",
                    "target_parameters",
                    "trainable_token_indices");

    private LoraJson() {}

    static LoraConfig parse(JsonFields json) {
        String type = json.text("peft_type", "");
        if (!type.equals("LORA")) {
            throw json.invalid("peft_type", "\"LORA\"");
        }
        refuseOtherFeatures(json);
        try {
            return new LoraConfig(
                    json.integer("r", 8),
                    json.number("lora_alpha", 8),
                    json.number("lora_dropout", 0),
                    json.flag("use_rslora", false),
                    selection(json, "target_modules")
                            .orElseThrow(
                                    () ->
                                            json.invalid(
                                                    "target_modules",
                                                    "a list of names, a regular expression,"
                                                            + " \"all-linear\"")),
                    selection(json, "exclude_modules"),
                    json.integers("layers_to_transform"),
                    json.texts("layers_pattern"),
                    ranks(json),
                    alphas(json),
                    json.texts("modules_to_save"),
                    json.flag("ensure_weight_tying", false),
                    initialisation(json),
                    json.text("task_type", "CAUSAL_LM"),
                    json.optionalText("base_model_name_or_path"));
        } catch (AttuneException e) {
            throw e.getMessage().startsWith(json.where())
                    ? e
                    : new ModelException(json.where() + ": " + e.getMessage(), e);
        }
    }

    private static void refuseOtherFeatures(JsonFields json) {
        for (String key : REFUSED) {
            JsonNode value = json.get(key);
            boolean off =
                    value == null
                            || value.isBoolean() && !value.booleanValue()
                            || value.isContainerNode() && value.isEmpty();
            if (!off) {
                throw json.invalid(key, "null: adapters with this feature are not supported");
            }
        }
        if (!json.text("bias", "none").equals("none")) {
            throw json.invalid("bias", "\"none\": adapters with trained biases are not supported");
        }
    }

    private static Optional<ModuleSelection> selection(JsonFields json, String key) {
        JsonNode value = json.get(key);
        if (value == null || value.isContainerNode() && value.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                value.isTextual()
                        ? ModulePatterns.named(key, () -> ModuleSelection.of(value.textValue()))
                        : new ModuleSelection.Names(json.texts(key)));
    }

    private static Map<String, Integer> ranks(JsonFields json) {
        var result = new TreeMap<String, Integer>();
        json.object("rank_pattern")
                .ifPresent(o -> o.keys().forEach(k -> result.put(k, o.integer(k))));
        return result;
    }

    private static Map<String, Double> alphas(JsonFields json) {
        var result = new TreeMap<String, Double>();
        json.object("alpha_pattern")
                .ifPresent(o -> o.keys().forEach(k -> result.put(k, o.number(k))));
        return result;
    }

    /// Initialisations that leave the base as it is matter only for fresh adapters. Those that
    /// change it make the file's A and B meaningless without the changed base.
    private static LoraInitialisation initialisation(JsonFields json) {
        String key = "init_lora_weights";
        JsonNode value = json.get(key);
        if (value == null || value.isBoolean()) {
            return value == null || value.booleanValue()
                    ? LoraInitialisation.KAIMING
                    : LoraInitialisation.RANDOM_BOTH;
        }
        return switch (json.text(key)) {
            case "gaussian" -> LoraInitialisation.GAUSSIAN;
            case "eva", "orthogonal" -> LoraInitialisation.KAIMING;
            default ->
                    throw json.invalid(
                            key,
                            "true, false, \"gaussian\", \"eva\", \"orthogonal\"; convert adapters"
                                    + " that changed their base (PiSSA, OLoRA …) to plain LoRA with"
                                    + " PEFT's path_initial_model_for_weight_conversion");
        };
    }

    static ObjectNode toNode(LoraConfig config, boolean transposed) {
        var fields = new TreeMap<String, JsonNode>();
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        WRITTEN_NULL.forEach(key -> fields.put(key, nodes.nullNode()));
        fields.put("peft_type", nodes.textNode("LORA"));
        fields.put("task_type", nodes.textNode(config.taskType()));
        fields.put(
                "base_model_name_or_path",
                config.baseModel().<JsonNode>map(nodes::textNode).orElse(nodes.nullNode()));
        fields.put("inference_mode", nodes.booleanNode(true));
        fields.put("r", nodes.numberNode(config.rank()));
        fields.put("lora_alpha", number(config.alpha()));
        fields.put("lora_dropout", nodes.numberNode(config.dropout()));
        fields.put("use_rslora", nodes.booleanNode(config.rankStabilised()));
        fields.put("use_dora", nodes.booleanNode(false));
        fields.put("lora_bias", nodes.booleanNode(false));
        fields.put("fan_in_fan_out", nodes.booleanNode(transposed));
        fields.put("bias", nodes.textNode("none"));
        fields.put("init_lora_weights", initialisation(config.initialisation()));
        fields.put("target_modules", selection(config.targets()));
        fields.put(
                "exclude_modules",
                config.excluded().map(LoraJson::selection).orElse(nodes.nullNode()));
        fields.put("layers_to_transform", integers(config.layers()));
        fields.put("layers_pattern", texts(config.layersPattern()));
        fields.put("modules_to_save", texts(config.modulesToSave()));
        fields.put("ensure_weight_tying", nodes.booleanNode(config.tiesSaved()));
        ObjectNode ranks = nodes.objectNode();
        config.rankPattern().forEach(ranks::put);
        fields.put("rank_pattern", ranks);
        ObjectNode alphas = nodes.objectNode();
        config.alphaPattern().forEach((k, v) -> alphas.set(k, number(v)));
        fields.put("alpha_pattern", alphas);
        ObjectNode sorted = nodes.objectNode();
        fields.forEach(sorted::set);
        return sorted;
    }

    /// A selection for messages.
    static String describe(ModuleSelection selection) {
        return selection(selection).toString();
    }

    private static JsonNode selection(ModuleSelection selection) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        return switch (selection) {
            case ModuleSelection.Names(List<String> names) ->
                    texts(new ArrayList<>(new TreeSet<>(names)));
            case ModuleSelection.Regex(String expression) -> nodes.textNode(expression);
            case ModuleSelection.AllLinear() -> nodes.textNode("all-linear");
        };
    }

    private static JsonNode initialisation(LoraInitialisation initialisation) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        return switch (initialisation) {
            case KAIMING -> nodes.booleanNode(true);
            case RANDOM_BOTH -> nodes.booleanNode(false);
            case GAUSSIAN -> nodes.textNode("gaussian");
        };
    }

    /// 16 rather than 16.0: PEFT declares α an integer, though it takes any number.
    private static JsonNode number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e9
                ? JsonNodeFactory.instance.numberNode((int) value)
                : JsonNodeFactory.instance.numberNode(value);
    }

    private static JsonNode texts(List<String> texts) {
        if (texts.isEmpty()) {
            return JsonNodeFactory.instance.nullNode();
        }
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        texts.forEach(array::add);
        return array;
    }

    private static JsonNode integers(List<Integer> integers) {
        if (integers.isEmpty()) {
            return JsonNodeFactory.instance.nullNode();
        }
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        integers.forEach(array::add);
        return array;
    }
}
