package org.attune.text.parse.turn;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// Gives arguments that were written as text the types of their tool's schema.
public final class ArgumentTypes {
    private final Map<String, Map<?, ?>> schemas = new LinkedHashMap<>();

    /// @param tools as chat templates take them
    public ArgumentTypes(List<Object> tools) {
        for (Object tool : tools) {
            Object function =
                    tool instanceof Map<?, ?> map && map.get("function") != null
                            ? map.get("function")
                            : tool;
            if (function instanceof Map<?, ?> map && map.get("name") instanceof String name) {
                schemas.put(
                        name,
                        map.get("parameters") instanceof Map<?, ?> parameters
                                ? parameters
                                : Map.of());
            }
        }
    }

    /// Whether the model was offered no tool.
    public boolean isEmpty() {
        return schemas.isEmpty();
    }

    /// Whether the model was offered a tool of this name.
    public boolean knows(String tool) {
        return schemas.containsKey(tool);
    }

    /// Names of a tool's parameters, in the schema's order; empty if they aren't known.
    public List<String> parameters(String tool) {
        return properties(tool).keySet().stream().map(String.class::cast).toList();
    }

    private Map<?, ?> properties(String tool) {
        return schemas.getOrDefault(tool, Map.of()).get("properties") instanceof Map<?, ?> map
                ? map
                : Map.of();
    }

    /// The arguments, in the types of the schema where their text can be read so.
    public Object typed(String tool, Object arguments) {
        Map<?, ?> properties = properties(tool);
        if (properties.isEmpty() || !(arguments instanceof Map<?, ?> map)) {
            return arguments;
        }
        var result = new LinkedHashMap<String, Object>();
        map.forEach((key, value) -> result.put((String) key, typed(properties, key, value)));
        return result;
    }

    /// The arguments, in the types of the whole schema. [#typed] reads less of it, as Hugging
    /// Face's parser does.
    ///
    /// @param areTexts whether the model wrote them as text, which has no types
    Map<?, ?> fitted(String tool, Map<?, ?> arguments, boolean areTexts) {
        return new SchemaFit(schemas.getOrDefault(tool, Map.of())).fitted(arguments, areTexts);
    }

    private static Object typed(Map<?, ?> properties, Object key, Object value) {
        List<String> types = types(properties.get(key));
        if (types.isEmpty()) {
            return value;
        }
        return switch (value) {
            case String text -> typed(text, types);
            case List<?> items when !types.contains("array") -> {
                var result = new ArrayList<>();
                items.forEach(i -> result.add(i instanceof String s ? typed(s, types) : i));
                yield result;
            }
            case null, default -> value;
        };
    }

    /// The types that a schema allows, in its order.
    private static List<String> types(Object schema) {
        var types = new ArrayList<String>();
        if (schema instanceof Map<?, ?> map) {
            if (map.get("type") instanceof String type) {
                types.add(type);
            } else if (map.get("type") instanceof List<?> several) {
                several.stream()
                        .filter(String.class::isInstance)
                        .forEach(t -> types.add((String) t));
            }
            for (String union : List.of("anyOf", "oneOf")) {
                if (map.get(union) instanceof List<?> choices) {
                    choices.forEach(choice -> types.addAll(types(choice)));
                }
            }
            if (PythonRules.isTrue(map.get("nullable")) && !types.contains("null")) {
                types.add("null");
            }
        }
        return types;
    }

    /// A text as the first type that it can be read as, else the text.
    static Object typed(String text, Collection<String> types) {
        for (String type : types) {
            Optional<Typed> typed = as(type, text);
            if (typed.isPresent()) {
                return typed.get().value();
            }
        }
        return text;
    }

    /// A value in its type; null is one.
    private record Typed(Object value) {}

    /// The value as a type; empty if it is none of it.
    private static Optional<Typed> as(String type, String text) {
        String word = PythonRules.strip(text);
        return switch (type) {
            case "integer" -> integer(text).map(Typed::new);
            case "number" -> number(text).map(Typed::new);
            case "boolean" ->
                    switch (word.toLowerCase(Locale.ROOT)) {
                        case "true", "1" -> Optional.of(new Typed(true));
                        case "false", "0" -> Optional.of(new Typed(false));
                        default -> Optional.empty();
                    };
            case "null" ->
                    word.equals("null") || word.equals("None")
                            ? Optional.of(new Typed(null))
                            : Optional.empty();
            case "object" -> json(text).filter(Map.class::isInstance).map(Typed::new);
            case "array" -> json(text).filter(List.class::isInstance).map(Typed::new);
            default -> Optional.empty();
        };
    }

    /// Whole numbers written with a fraction are integers too.
    private static Optional<Object> integer(String text) {
        Optional<Object> integer = PythonRules.integer(text);
        if (integer.isPresent()) {
            return integer;
        }
        OptionalDouble real = PythonRules.real(text);
        return real.isPresent() && PythonRules.isWhole(real.getAsDouble())
                ? Optional.of(PythonRules.whole(real.getAsDouble()))
                : Optional.empty();
    }

    private static Optional<Object> number(String text) {
        OptionalDouble real = PythonRules.real(text);
        if (real.isEmpty() || !Double.isFinite(real.getAsDouble())) {
            return Optional.empty();
        }
        double value = real.getAsDouble();
        return Optional.of(
                PythonRules.isWhole(value) && text.indexOf('.') < 0
                        ? PythonRules.whole(value)
                        : (Object) value);
    }

    private static Optional<Object> json(String text) {
        try {
            return Optional.ofNullable(Json.parseAsPython(text));
        } catch (JsonException e) {
            return Optional.empty();
        }
    }
}
