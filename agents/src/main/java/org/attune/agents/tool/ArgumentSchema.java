package org.attune.agents.tool;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaException;
import com.networknt.schema.ValidationMessage;

import org.attune.error.ConfigException;
import org.attune.error.Excerpt;
import org.attune.error.Spelling;
import org.attune.json.Json;
import org.attune.json.JsonException;
import org.attune.reward.builtin.OfflineSchema;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Which arguments a tool takes. Immutable and thread-safe.
final class ArgumentSchema {
    private static final int MOST_PROBLEMS = 3;

    private final ToolSpec spec;
    private final ArgumentCoercion coercion;
    private final JsonSchema schema;

    private ArgumentSchema(ToolSpec spec, JsonSchema schema) {
        this.spec = spec;
        this.coercion = new ArgumentCoercion(spec.parameters());
        this.schema = schema;
    }

    /// @throws ConfigException if the schema can't be used
    static ArgumentSchema of(ToolSpec spec) {
        Object type = spec.parameters().getOrDefault("type", "object");
        if (!type.equals("object")) {
            throw new ConfigException(
                    "the parameters of tool \"%s\" have type %s; a schema of arguments by name has type object"
                            .formatted(spec.name(), type));
        }
        try {
            JsonNode source = Json.MAPPER.valueToTree(spec.parameters());
            return new ArgumentSchema(spec, OfflineSchema.of(source));
        } catch (JsonSchemaException e) {
            throw new ConfigException(
                    "the schema of tool \"%s\" can't be used: %s"
                            .formatted(spec.name(), e.getMessage()),
                    e);
        }
    }

    /// Arguments that fit.
    ///
    /// @param given a JSON value, as the model wrote it
    /// @throws MisfitException with a line that the model can act on
    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    Map<String, Object> fit(Object given) throws MisfitException {
        Object whole = given instanceof String text ? parsed(text) : given;
        Object coerced = coercion.coerce(spec.parameters(), whole == null ? Map.of() : whole);
        if (!(coerced instanceof Map<?, ?> arguments)) {
            throw new MisfitException(
                    "the arguments must be an object with names and values, got %s. %s"
                            .formatted(shown(Json.MAPPER.valueToTree(given)), signature()));
        }
        List<String> problems = new ArrayList<>(unknown(arguments.keySet()));
        problems.addAll(problems(schema.validate(Json.MAPPER.valueToTree(coerced))));
        if (!problems.isEmpty()) {
            throw new MisfitException(
                    "%s. %s"
                            .formatted(
                                    problems.stream()
                                            .limit(MOST_PROBLEMS)
                                            .collect(Collectors.joining("; ")),
                                    signature()));
        }
        return (Map<String, Object>) arguments;
    }

    private static Object parsed(String text) {
        try {
            return Json.parse(text);
        } catch (JsonException e) {
            return text;
        }
    }

    /// Names that the schema doesn't know. An argument that a tool ignores would be a silent
    /// mistake, so they are refused unless the schema allows more.
    private List<String> unknown(Set<?> given) {
        if (!(spec.parameters().get("properties") instanceof Map<?, ?> properties)
                || spec.parameters().containsKey("additionalProperties")
                || spec.parameters().containsKey("patternProperties")) {
            return List.of();
        }
        List<String> known = properties.keySet().stream().map(String::valueOf).toList();
        return given.stream()
                .map(String::valueOf)
                .filter(name -> !known.contains(name))
                .map(
                        name ->
                                "there is no argument \"%s\"%s"
                                        .formatted(
                                                Excerpt.of(name),
                                                Spelling.nearest(name, known)
                                                        .map(n -> ", did you mean \"" + n + "\"?")
                                                        .orElse("")))
                .toList();
    }

    /// Lists one problem for each place that has a wrong type, though a schema may accept several
    /// there.
    private List<String> problems(Set<ValidationMessage> messages) {
        var types = new LinkedHashMap<String, Set<String>>();
        var problems = new LinkedHashMap<String, String>();
        for (ValidationMessage message : messages) {
            if (message.getType().equals("type")) {
                String where = where(message);
                types.computeIfAbsent(where, _ -> new LinkedHashSet<>())
                        .add(typeNames(message.getSchemaNode()));
                problems.put(
                        where,
                        "%s must be %s, got %s"
                                .formatted(
                                        where,
                                        String.join(" or ", types.get(where)),
                                        shown(message.getInstanceNode())));
            } else {
                String problem = problem(message);
                problems.put(problem, problem);
            }
        }
        return List.copyOf(problems.values());
    }

    private String problem(ValidationMessage message) {
        String where = where(message);
        return switch (message.getType()) {
            case "required" -> "%s is missing".formatted(inside(message));
            case "enum" ->
                    "%s must be one of %s, got %s"
                            .formatted(
                                    where,
                                    Excerpt.of(message.getSchemaNode()),
                                    shown(message.getInstanceNode()));
            case "additionalProperties", "unevaluatedProperties" ->
                    "there is no argument %s".formatted(inside(message));
            default ->
                    "%s: %s, got %s"
                            .formatted(
                                    where,
                                    message.getMessage().replaceFirst("^\\$[^:]*: ", ""),
                                    shown(message.getInstanceNode()));
        };
    }

    private static String where(ValidationMessage message) {
        String path = message.getInstanceLocation().toString().replaceFirst("^\\$\\.?", "");
        return path.isEmpty() ? "the arguments" : "\"" + Excerpt.of(path) + "\"";
    }

    private static String inside(ValidationMessage message) {
        String path = message.getInstanceLocation().toString().replaceFirst("^\\$\\.?", "");
        String name = path.isEmpty() ? message.getProperty() : path + "." + message.getProperty();
        return "\"" + Excerpt.of(name) + "\"";
    }

    private static String typeNames(JsonNode type) {
        if (!type.isArray()) {
            return article(type.asText());
        }
        var names = new ArrayList<String>();
        type.forEach(one -> names.add(article(one.asText())));
        return String.join(" or ", names);
    }

    private static String article(String type) {
        return switch (type) {
            case "null" -> type;
            case "integer", "array", "object" -> "an " + type;
            default -> "a " + type;
        };
    }

    private static String shown(JsonNode value) {
        String kind = value.isTextual() ? "the string " : "";
        return kind + Excerpt.of(Json.write(Json.parse(value.toString())));
    }

    /// Describes the arguments as `multiply takes a: integer, b: integer (optional)`.
    private String signature() {
        Map<String, Object> root = coercion.resolved(spec.parameters());
        Map<?, ?> properties = root.get("properties") instanceof Map<?, ?> map ? map : Map.of();
        if (properties.isEmpty()) {
            return "%s takes no arguments".formatted(spec.name());
        }
        List<?> required = root.get("required") instanceof List<?> names ? names : List.of();
        return properties.entrySet().stream()
                .map(
                        p ->
                                "%s: %s%s"
                                        .formatted(
                                                p.getKey(),
                                                typeName(coercion.resolved(p.getValue())),
                                                required.contains(p.getKey()) ? "" : " (optional)"))
                .collect(Collectors.joining(", ", spec.name() + " takes ", ""));
    }

    private String typeName(Map<String, Object> rules) {
        for (String choice : List.of("anyOf", "oneOf")) {
            if (rules.get(choice) instanceof List<?> alternatives) {
                return alternatives.stream()
                        .map(coercion::resolved)
                        .map(inner -> String.join(" or ", ArgumentCoercion.types(inner)))
                        .filter(name -> !name.isEmpty())
                        .distinct()
                        .collect(Collectors.joining(" or "));
            }
        }
        List<String> types = ArgumentCoercion.types(rules);
        return types.isEmpty() ? "any" : String.join(" or ", types);
    }
}
