package org.attune.cli.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.json.Json;
import org.attune.trainers.opening.TrainingMethod;

import java.util.Comparator;
import java.util.List;

/// The JSON Schema of a method's run file, from which editors complete keys, show what they mean
/// and mark wrong values. Draft 7, since editors know that one. It takes what Attune takes, but for
/// other spellings of numbers and truth values; what belongs together it can't say.
public final class MethodSchema {

    /// Values that leave a key out, as JSON.
    private static final List<String> WITHOUT =
            List.of("false", "\"no\"", "\"none\"", "\"\"", "[]");

    private final KeyFacts facts;

    private MethodSchema(KeyFacts facts) {
        this.facts = facts;
    }

    /// The schema's text.
    public static String of(TrainingMethod<?, ?> method) {
        var schema = new MethodSchema(KeyFacts.of(method));
        ObjectNode root = Json.object();
        root.put("$schema", "http://json-schema.org/draft-07/schema#");
        root.put("title", "attune " + method.name());
        root.put("description", method.summary());
        root.put("type", "object");
        ObjectNode keys = root.putObject("properties");
        keys.putObject("env")
                .put("description", "variables of the environment, such as HF_HUB_CACHE")
                .put("type", "object");
        KeyTable.load().of(method).stream()
                .sorted(Comparator.comparing(Key::name))
                .forEach(key -> keys.set(key.name(), schema.property(key)));
        root.put("additionalProperties", false);
        return Json.pretty(root);
    }

    private ObjectNode property(Key key) {
        ObjectNode property = Json.object();
        switch (key.outcome()) {
            case OBEYED -> {
                property.put("description", description(key));
                facts.value(key)
                        .map(value -> Json.MAPPER.<JsonNode>valueToTree(value))
                        .filter(value -> !isBlank(value))
                        .ifPresent(value -> property.set("default", value));
                facts.component(key)
                        .ifPresentOrElse(
                                component ->
                                        property.setAll(
                                                ValueSchema.of(component, facts.range(key))),
                                () -> property.setAll(rewritten(key)));
            }
            case NO_EFFECT ->
                    property.put("description", "no effect here: " + key.note())
                            .put("deprecated", true);
            case REFUSED -> {
                property.put("description", "refused: " + key.note()).put("deprecated", true);
                property.set("enum", nothing(key));
            }
        }
        return property;
    }

    private String description(Key key) {
        return key.note() + " [" + facts.accepted(key) + "]";
    }

    /// What must be given, or can only be written escaped, is no default to show.
    private static boolean isBlank(JsonNode value) {
        return value.isTextual() && value.textValue().isBlank()
                || value.isArray() && value.isEmpty();
    }

    /// Keys of TRL that are rewritten into others.
    private static ObjectNode rewritten(Key key) {
        return standard(key).isBoolean() ? ValueSchema.truth() : Json.object();
    }

    /// The values at which a refused key is accepted.
    private static ArrayNode nothing(Key key) {
        ArrayNode values = Json.array();
        JsonNode standard = standard(key);
        values.add(standard);
        if (!standard.isNull()) {
            values.addNull();
        }
        boolean on = standard.isBoolean() && standard.booleanValue();
        for (String word : on ? List.<String>of() : WITHOUT) {
            JsonNode value = parsed(key, word);
            if (!value.equals(standard)) {
                values.add(value);
            }
        }
        return values;
    }

    private static JsonNode standard(Key key) {
        return parsed(key, key.foreignDefault());
    }

    private static JsonNode parsed(Key key, String json) {
        try {
            return Json.tree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("keys.tsv: default of " + key.name(), e);
        }
    }
}
