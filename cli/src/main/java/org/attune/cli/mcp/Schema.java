package org.attune.cli.mcp;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.json.Json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The arguments that a tool takes.
final class Schema {
    /// How an argument is written in JSON.
    enum Kind {
        TEXT("string"),
        COUNT("integer"),
        NUMBER("number"),
        TRUTH("boolean"),
        KEYS("object"),
        TEXTS("array"),
        MESSAGES("array");

        private final String type;

        Kind(String type) {
            this.type = type;
        }

        /// What messages call it.
        String text() {
            return switch (this) {
                case TEXT -> "a string";
                case COUNT -> "an integer, at least 0";
                case NUMBER -> "a number";
                case TRUTH -> "true or false";
                case KEYS -> "an object";
                case TEXTS -> "an array of strings";
                case MESSAGES -> "an array of {role, content}";
            };
        }
    }

    private record Argument(Kind kind, boolean required, String description) {}

    private final Map<String, Argument> arguments = new LinkedHashMap<>();

    /// Adds an argument that must be given.
    Schema needs(String name, Kind kind, String description) {
        arguments.put(name, new Argument(kind, true, description));
        return this;
    }

    /// Adds an argument that may be left out.
    Schema takes(String name, Kind kind, String description) {
        arguments.put(name, new Argument(kind, false, description));
        return this;
    }

    List<String> names() {
        return List.copyOf(arguments.keySet());
    }

    Kind kind(String name) {
        return arguments.get(name).kind();
    }

    List<String> required() {
        return arguments.keySet().stream().filter(name -> arguments.get(name).required()).toList();
    }

    /// The JSON Schema.
    ObjectNode json() {
        ObjectNode schema = Json.object().put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        arguments.forEach(
                (name, argument) -> {
                    ObjectNode property = properties.putObject(name);
                    property.put("type", argument.kind().type);
                    property.put("description", argument.description());
                    detail(argument.kind(), property);
                });
        List<String> required = new ArrayList<>(required());
        if (!required.isEmpty()) {
            required.forEach(schema.putArray("required")::add);
        }
        return schema.put("additionalProperties", false);
    }

    private static void detail(Kind kind, ObjectNode property) {
        switch (kind) {
            case COUNT -> property.put("minimum", 0);
            case TEXTS -> property.putObject("items").put("type", "string");
            case MESSAGES -> {
                ObjectNode item = property.putObject("items").put("type", "object");
                ObjectNode fields = item.putObject("properties");
                fields.putObject("role").put("type", "string");
                fields.putObject("content").put("type", "string");
                item.putArray("required").add("role").add("content");
            }
            case TEXT, NUMBER, TRUTH, KEYS -> {}
        }
    }
}
