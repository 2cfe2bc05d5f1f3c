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
import java.util.function.Supplier;

/// What all kinds of adapters have in their `adapter_config.json`.
final class AdapterJson {
    static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private AdapterJson() {}

    /// Names the file in what a configuration refuses.
    static <T> T located(JsonFields json, Supplier<T> parsing) {
        try {
            return parsing.get();
        } catch (AttuneException e) {
            throw e.getMessage().startsWith(json.where())
                    ? e
                    : new ModelException(json.where() + ": " + e.getMessage(), e);
        }
    }

    static ModuleSelection targets(JsonFields json) {
        String key = "target_modules";
        return selection(json, key)
                .orElseThrow(
                        () ->
                                json.invalid(
                                        key,
                                        "a list of names, a regular expression, \"all-linear\""));
    }

    static Optional<ModuleSelection> selection(JsonFields json, String key) {
        JsonNode value = json.get(key);
        if (value == null || value.isContainerNode() && value.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                value.isTextual()
                        ? ModulePatterns.named(key, () -> ModuleSelection.of(value.textValue()))
                        : new ModuleSelection.Names(json.texts(key)));
    }

    /// Adds what PEFT expects of every kind.
    ///
    /// @param transposed as [AdapterConfig#toJson(boolean)] has it
    static void putCommon(
            Map<String, JsonNode> fields,
            String type,
            AdapterConfig config,
            Optional<ModuleSelection> excluded,
            boolean transposed) {
        fields.put("auto_mapping", NODES.nullNode());
        fields.put("revision", NODES.nullNode());
        fields.put("peft_type", NODES.textNode(type));
        fields.put("task_type", NODES.textNode(config.taskType()));
        fields.put(
                "base_model_name_or_path",
                config.baseModel().<JsonNode>map(NODES::textNode).orElse(NODES.nullNode()));
        fields.put("inference_mode", NODES.booleanNode(true));
        fields.put("fan_in_fan_out", NODES.booleanNode(transposed));
        fields.put("target_modules", selection(config.targets()));
        fields.put(
                "exclude_modules", excluded.map(AdapterJson::selection).orElse(NODES.nullNode()));
        fields.put("modules_to_save", texts(config.modulesToSave()));
    }

    static ObjectNode sorted(Map<String, JsonNode> fields) {
        ObjectNode sorted = NODES.objectNode();
        fields.forEach(sorted::set);
        return sorted;
    }

    /// A selection for messages.
    static String describe(ModuleSelection selection) {
        return selection(selection).toString();
    }

    static JsonNode selection(ModuleSelection selection) {
        return switch (selection) {
            case ModuleSelection.Names(List<String> names) ->
                    texts(new ArrayList<>(new TreeSet<>(names)));
            case ModuleSelection.Regex(String expression) -> NODES.textNode(expression);
            case ModuleSelection.AllLinear() -> NODES.textNode("all-linear");
        };
    }

    static JsonNode texts(List<String> texts) {
        if (texts.isEmpty()) {
            return NODES.nullNode();
        }
        ArrayNode array = NODES.arrayNode();
        texts.forEach(array::add);
        return array;
    }

    static TargetedModules modules(JsonFields json) {
        return new TargetedModules(
                targets(json),
                selection(json, "exclude_modules"),
                json.integers("layers_to_transform"),
                json.texts("layers_pattern"),
                json.texts("modules_to_save"));
    }

    static Map<String, Integer> ranks(JsonFields json) {
        var result = new TreeMap<String, Integer>();
        json.object("rank_pattern")
                .ifPresent(o -> o.keys().forEach(k -> result.put(k, o.integer(k))));
        return result;
    }

    static Map<String, Double> alphas(JsonFields json) {
        var result = new TreeMap<String, Double>();
        json.object("alpha_pattern")
                .ifPresent(o -> o.keys().forEach(k -> result.put(k, o.number(k))));
        return result;
    }

    static void putLayers(
            Map<String, JsonNode> fields, List<Integer> layers, List<String> layersPattern) {
        fields.put("layers_to_transform", integers(layers));
        fields.put("layers_pattern", texts(layersPattern));
    }

    static void putPatterns(
            Map<String, JsonNode> fields, Map<String, Integer> ranks, Map<String, Double> alphas) {
        ObjectNode byRank = NODES.objectNode();
        ranks.forEach(byRank::put);
        fields.put("rank_pattern", byRank);
        ObjectNode byAlpha = NODES.objectNode();
        alphas.forEach((k, v) -> byAlpha.set(k, number(v)));
        fields.put("alpha_pattern", byAlpha);
    }

    /// 16 rather than 16.0: PEFT declares α an integer, though it takes any number.
    static JsonNode number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e9
                ? AdapterJson.NODES.numberNode((int) value)
                : AdapterJson.NODES.numberNode(value);
    }

    static JsonNode integers(List<Integer> integers) {
        if (integers.isEmpty()) {
            return AdapterJson.NODES.nullNode();
        }
        ArrayNode array = AdapterJson.NODES.arrayNode();
        integers.forEach(array::add);
        return array;
    }
}
