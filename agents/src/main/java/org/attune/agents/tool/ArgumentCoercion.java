package org.attune.agents.tool;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Makes of a call's arguments what the tool's schema asks for, where the model's intention is
/// plain: the text `"7"` where a number is wanted, `[1, 2]` written as a text, `7.0` for a whole
/// number, `null` for an argument that may be left out. What is not plain stays, and is refused
/// later. Nothing is rounded or invented.
///
/// @param root the whole schema, for references inside of it
record ArgumentCoercion(Map<String, Object> root) {
    private static final int MOST_REFERENCES = 32;

    /// Longer numbers are none that a model means, and slow to convert.
    private static final int LONGEST_NUMBER = 400;

    /// A value that fits the schema better, or the value.
    Object coerce(Object schema, Object value) {
        Map<String, Object> rules = resolved(schema);
        for (String choice : List.of("anyOf", "oneOf")) {
            if (rules.get(choice) instanceof List<?> alternatives) {
                return coerceToOne(alternatives, value);
            }
        }
        List<String> types = types(rules);
        if (types.isEmpty() || types.contains(typeOf(value, types))) {
            return inside(rules, value);
        }
        for (String type : types) {
            Optional<Object> converted = convert(type, value);
            if (converted.isPresent()) {
                Object result = converted.get() == Null.NULL ? null : converted.get();
                return inside(rules, result);
            }
        }
        return value;
    }

    /// JSON's null as a value that an [Optional] can hold.
    private enum Null {
        NULL
    }

    private Object coerceToOne(List<?> alternatives, Object value) {
        for (Object alternative : alternatives) {
            if (fits(resolved(alternative), value)) {
                return coerce(alternative, value);
            }
        }
        for (Object alternative : alternatives) {
            Object coerced = coerce(alternative, value);
            if (fits(resolved(alternative), coerced)) {
                return coerced;
            }
        }
        return value;
    }

    private static boolean fits(Map<String, Object> rules, Object value) {
        List<String> types = types(rules);
        boolean typed = types.isEmpty() || types.contains(typeOf(value, types));
        return typed
                && (!(rules.get("enum") instanceof List<?> accepted) || accepted.contains(value))
                && (!rules.containsKey("const") || Objects.equals(rules.get("const"), value));
    }

    /// Follows `$ref` to where it points in the same schema.
    Map<String, Object> resolved(Object schema) {
        Object found = schema;
        for (int i = 0; i < MOST_REFERENCES; i++) {
            if (!(found instanceof Map<?, ?> map) || !(map.get("$ref") instanceof String ref)) {
                break;
            }
            found = target(ref);
        }
        return object(found).orElse(Map.of());
    }

    private Object target(String reference) {
        Object at = root;
        for (String step : reference.replaceFirst("^#/?", "").split("/", -1)) {
            if (!step.isEmpty()) {
                String key = step.replace("~1", "/").replace("~0", "~");
                at = at instanceof Map<?, ?> map ? map.get(key) : null;
            }
        }
        return at;
    }

    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    private static Optional<Map<String, Object>> object(Object value) {
        return value instanceof Map<?, ?> map
                ? Optional.of((Map<String, Object>) map)
                : Optional.empty();
    }

    static List<String> types(Map<String, Object> rules) {
        return switch (rules.get("type")) {
            case String one -> List.of(one);
            case List<?> several -> several.stream().map(String::valueOf).toList();
            case null, default -> List.of();
        };
    }

    /// The value's type as JSON Schema calls it. A whole number is an `integer` where one is
    /// accepted.
    static String typeOf(Object value, List<String> accepted) {
        return switch (value) {
            case null -> "null";
            case String _ -> "string";
            case Boolean _ -> "boolean";
            case Long _, Integer _, BigInteger _ ->
                    accepted.contains("integer") ? "integer" : "number";
            case Number _ -> "number";
            case List<?> _ -> "array";
            default -> "object";
        };
    }

    private Object inside(Map<String, Object> rules, Object value) {
        return switch (value) {
            case Map<?, ?> map -> properties(rules, map);
            case List<?> list when rules.get("items") instanceof Map<?, ?> items -> {
                var coerced = new ArrayList<Object>();
                list.forEach(item -> coerced.add(coerce(items, item)));
                yield coerced;
            }
            case String text when rules.get("enum") instanceof List<?> accepted ->
                    spelled(text, accepted);
            case null, default -> value;
        };
    }

    private Map<String, Object> properties(Map<String, Object> rules, Map<?, ?> given) {
        Map<String, Object> properties = object(rules.get("properties")).orElse(Map.of());
        List<?> required = rules.get("required") instanceof List<?> names ? names : List.of();
        var coerced = new LinkedHashMap<String, Object>();
        given.forEach(
                (key, value) -> {
                    String name = String.valueOf(key);
                    Object rule = properties.getOrDefault(name, rules.get("additionalProperties"));
                    Object better = rule instanceof Map<?, ?> ? coerce(rule, value) : value;
                    boolean leftOut =
                            better == null
                                    && properties.containsKey(name)
                                    && !required.contains(name)
                                    && !isNullable(resolved(rule));
                    if (!leftOut) {
                        coerced.put(name, better);
                    }
                });
        return coerced;
    }

    private boolean isNullable(Map<String, Object> rules) {
        for (String choice : List.of("anyOf", "oneOf")) {
            if (rules.get(choice) instanceof List<?> alternatives) {
                return alternatives.stream().anyMatch(a -> isNullable(resolved(a)));
            }
        }
        List<String> types = types(rules);
        return types.isEmpty() || types.contains("null");
    }

    /// The accepted text that differs only in case or in space around it, if it is one.
    private static String spelled(String text, List<?> accepted) {
        if (accepted.contains(text)) {
            return text;
        }
        List<String> alike =
                accepted.stream()
                        .filter(String.class::isInstance)
                        .map(String.class::cast)
                        .filter(choice -> choice.equalsIgnoreCase(text.strip()))
                        .toList();
        return alike.size() == 1 ? alike.getFirst() : text;
    }

    private static Optional<Object> convert(String type, Object value) {
        if (value instanceof String text) {
            return fromText(type, text.strip());
        }
        boolean plain = value instanceof Number || value instanceof Boolean;
        return switch (type) {
            case "string" -> plain ? Optional.of(Json.write(value)) : Optional.empty();
            case "integer" -> value instanceof Number n ? whole(n.toString()) : Optional.empty();
            default -> Optional.empty();
        };
    }

    private static Optional<Object> fromText(String type, String text) {
        return switch (type) {
            case "integer" -> whole(text);
            case "number" -> number(text);
            case "boolean" ->
                    switch (text) {
                        case "true", "True" -> Optional.of(true);
                        case "false", "False" -> Optional.of(false);
                        default -> Optional.empty();
                    };
            case "null" ->
                    text.equals("null") || text.equals("None")
                            ? Optional.of(Null.NULL)
                            : Optional.empty();
            case "array" -> parsed(text).filter(List.class::isInstance);
            case "object" -> parsed(text).filter(Map.class::isInstance);
            default -> Optional.empty();
        };
    }

    private static Optional<Object> whole(String text) {
        return decimal(text)
                .filter(d -> d.stripTrailingZeros().scale() <= 0)
                .map(BigDecimal::toBigInteger)
                .map(n -> n.bitLength() < Long.SIZE ? (Object) n.longValue() : n);
    }

    private static Optional<Object> number(String text) {
        boolean plain = text.chars().allMatch(c -> Character.isDigit(c) || c == '-' || c == '+');
        return plain ? whole(text) : decimal(text).map(BigDecimal::doubleValue);
    }

    private static Optional<BigDecimal> decimal(String text) {
        if (text.length() > LONGEST_NUMBER) {
            return Optional.empty();
        }
        try {
            var value = new BigDecimal(text);
            return Optional.of(value).filter(v -> Math.abs((long) v.scale()) <= LONGEST_NUMBER);
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static Optional<Object> parsed(String text) {
        try {
            return Optional.ofNullable(Json.parse(text));
        } catch (JsonException e) {
            return Optional.empty();
        }
    }
}
