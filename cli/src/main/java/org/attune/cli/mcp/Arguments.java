package org.attune.cli.mcp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ConfigException;
import org.attune.error.Excerpt;
import org.attune.error.Spelling;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// The arguments of a call, which fit the tool's schema.
final class Arguments {
    private final ObjectNode given;

    private Arguments(ObjectNode given) {
        this.given = given;
    }

    /// @throws ConfigException if one is unknown, missing or of another kind
    static Arguments of(Schema schema, ObjectNode given) {
        for (String name : schema.required()) {
            if (given.path(name).isMissingNode() || given.path(name).isNull()) {
                throw ConfigException.about(name, "is missing; give " + schema.kind(name).text());
            }
        }
        for (Map.Entry<String, JsonNode> argument : given.properties()) {
            String name = argument.getKey();
            if (!schema.names().contains(name)) {
                String near =
                        Spelling.nearest(name, schema.names())
                                .map(known -> "did you mean " + known + "?")
                                .orElse("accepted: " + String.join(", ", schema.names()));
                throw ConfigException.about(name, "is no argument of this tool; " + near);
            }
            Schema.Kind kind = schema.kind(name);
            if (!argument.getValue().isNull() && !fits(argument.getValue(), kind)) {
                throw ConfigException.about(
                        name,
                        "is %s; accepted: %s"
                                .formatted(Excerpt.of(argument.getValue()), kind.text()));
            }
        }
        return new Arguments(given);
    }

    private static boolean fits(JsonNode value, Schema.Kind kind) {
        return switch (kind) {
            case TEXT -> value.isTextual();
            case COUNT -> value.canConvertToInt() && value.isIntegralNumber() && value.asInt() >= 0;
            case NUMBER -> value.isNumber();
            case TRUTH -> value.isBoolean();
            case KEYS -> value.isObject();
            case TEXTS -> value.isArray() && value.valueStream().allMatch(JsonNode::isTextual);
            case MESSAGES ->
                    value.isArray()
                            && value.valueStream()
                                    .allMatch(
                                            m ->
                                                    m.path("role").isTextual()
                                                            && m.path("content").isTextual());
        };
    }

    private Optional<JsonNode> value(String name) {
        JsonNode value = given.path(name);
        return value.isMissingNode() || value.isNull() ? Optional.empty() : Optional.of(value);
    }

    Optional<String> text(String name) {
        return value(name).map(JsonNode::textValue);
    }

    /// An argument that must be given.
    String need(String name) {
        return given.path(name).textValue();
    }

    OptionalInt count(String name) {
        return value(name).map(v -> OptionalInt.of(v.intValue())).orElse(OptionalInt.empty());
    }

    OptionalDouble number(String name) {
        return value(name)
                .map(v -> OptionalDouble.of(v.doubleValue()))
                .orElse(OptionalDouble.empty());
    }

    boolean truth(String name) {
        return value(name).map(JsonNode::booleanValue).orElse(false);
    }

    List<String> texts(String name) {
        List<String> texts = new ArrayList<>();
        value(name).ifPresent(list -> list.forEach(text -> texts.add(text.textValue())));
        return texts;
    }

    /// The fields of an object, in order; none if it isn't given.
    Map<String, JsonNode> fields(String name) {
        Map<String, JsonNode> fields = new LinkedHashMap<>();
        value(name)
                .ifPresent(o -> o.properties().forEach(e -> fields.put(e.getKey(), e.getValue())));
        return fields;
    }

    /// The items of an array of objects; none if it isn't given.
    List<JsonNode> items(String name) {
        List<JsonNode> items = new ArrayList<>();
        value(name).ifPresent(list -> list.forEach(items::add));
        return items;
    }
}
