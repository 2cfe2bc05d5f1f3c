package org.attune.text.parse.turn;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Gives arguments the types of their tool's JSON schema. What can't have one of these types stays
/// as it is: the tool refuses it.
///
/// @param parameters the tool's schema, within which `$ref` points
record SchemaFit(Map<?, ?> parameters) {
    private static final Set<String> TYPES =
            Set.of("string", "number", "integer", "boolean", "null", "object", "array");

    /// References and unions are followed this deep, since they may point at themselves.
    private static final int MAX_DEPTH = 20;

    /// The arguments in their types.
    ///
    /// @param areTexts whether the model wrote them as text between tags, which has no types. A
    ///     text without a type in the schema is then the literal that it spells: `0.25`, `true`,
    ///     `[1, 2]`.
    Map<?, ?> fitted(Map<?, ?> arguments, boolean areTexts) {
        List<Map<?, ?>> schemas = branches(parameters);
        var result = new LinkedHashMap<Object, Object>();
        arguments.forEach(
                (key, value) -> result.put(key, fitted(property(schemas, key), value, areTexts)));
        return result;
    }

    private Object fitted(Object schema, Object value, boolean isText) {
        List<Map<?, ?>> schemas = branches(schema);
        Set<String> types = types(schemas);
        return switch (value) {
            case String text when isText && types.isEmpty() -> literal(text);
            case String text when !isText && types.contains("string") -> text;
            case String text -> fittedText(schema, text, types);
            case List<?> items -> {
                // Of an argument that is given several times.
                boolean isRepeated = !types.isEmpty() && !types.contains("array");
                Object of = isRepeated ? schema : first(schemas, "items");
                var result = new ArrayList<>();
                items.forEach(item -> result.add(fitted(of, item, isText && isRepeated)));
                yield result;
            }
            case Map<?, ?> map -> {
                var result = new LinkedHashMap<Object, Object>();
                map.forEach(
                        (key, part) ->
                                result.put(key, fitted(property(schemas, key), part, false)));
                yield result;
            }
            case null, default -> value;
        };
    }

    /// A text as the first type that it can be read as. Lists and objects may be in Python's
    /// writing too.
    private Object fittedText(Object schema, String text, Set<String> types) {
        Object typed = ArgumentTypes.typed(text, types);
        if (!(typed instanceof String)) {
            return fitted(schema, typed, false);
        }
        Object structure = literal(text);
        boolean isAllowed =
                structure instanceof Map<?, ?> && types.contains("object")
                        || structure instanceof List<?> && types.contains("array");
        return isAllowed ? fitted(schema, structure, false) : text;
    }

    /// A schema and the parts of its unions.
    private List<Map<?, ?>> branches(Object schema) {
        var result = new ArrayList<Map<?, ?>>();
        addBranches(schema, MAX_DEPTH, result);
        return result;
    }

    private void addBranches(Object schema, int depth, List<Map<?, ?>> into) {
        if (!(schema instanceof Map<?, ?> map) || depth == 0 || into.size() > 1000) {
            return;
        }
        into.add(map);
        if (map.get("$ref") instanceof String pointer) {
            addBranches(target(pointer), depth - 1, into);
        }
        for (String union : List.of("anyOf", "oneOf", "allOf")) {
            if (map.get(union) instanceof List<?> choices) {
                choices.forEach(choice -> addBranches(choice, depth - 1, into));
            }
        }
    }

    /// What a pointer such as `#/$defs/Point` names; null if there is nothing.
    private Object target(String pointer) {
        Object target = pointer.startsWith("#") ? parameters : null;
        for (String step : pointer.substring(pointer.startsWith("#/") ? 2 : 1).split("/", -1)) {
            String key = step.replace("~1", "/").replace("~0", "~");
            target = target instanceof Map<?, ?> map && !key.isEmpty() ? map.get(key) : target;
        }
        return target;
    }

    /// The types that are allowed, in the schemas' order; empty if any is.
    private static Set<String> types(List<Map<?, ?>> schemas) {
        var types = new LinkedHashSet<String>();
        for (Map<?, ?> schema : schemas) {
            if (schema.get("type") instanceof List<?> several) {
                several.forEach(type -> types.add(String.valueOf(type)));
            } else if (schema.get("type") != null) {
                types.add(String.valueOf(schema.get("type")));
            } else if (schema.get("enum") instanceof List<?> values) {
                values.forEach(value -> types.add(type(value)));
            } else if (schema.containsKey("const")) {
                types.add(type(schema.get("const")));
            }
            if (PythonRules.isTrue(schema.get("nullable"))) {
                types.add("null");
            }
        }
        types.retainAll(TYPES);
        return types;
    }

    private static String type(Object value) {
        return switch (value) {
            case null -> "null";
            case Boolean _ -> "boolean";
            case Long _ -> "integer";
            case Number _ -> "number";
            case List<?> _ -> "array";
            case Map<?, ?> _ -> "object";
            default -> "string";
        };
    }

    private static Object property(List<Map<?, ?>> schemas, Object key) {
        for (Map<?, ?> schema : schemas) {
            if (schema.get("properties") instanceof Map<?, ?> map && map.containsKey(key)) {
                return map.get(key);
            }
        }
        return first(schemas, "additionalProperties");
    }

    private static Object first(List<Map<?, ?>> schemas, String key) {
        return schemas.stream()
                .<Object>map(schema -> schema.get(key))
                .filter(Map.class::isInstance)
                .findFirst()
                .orElse(null);
    }

    /// The number, word, list or object that a text spells in JSON or, as some chat templates write
    /// it, in Python; else the text. Strings stand between tags without quotes, so quotes belong to
    /// them.
    private static Object literal(String text) {
        Object value;
        try {
            value = Json.parse(text);
        } catch (JsonException _) {
            try {
                value = new CallList(text, CallList.Grammar.LENIENT).value();
            } catch (UnreadableException _) {
                return text;
            }
        }
        boolean isInfinite = value instanceof Double number && number.isInfinite();
        return value instanceof String || isInfinite ? text : value;
    }
}
