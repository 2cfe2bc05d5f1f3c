package org.attune.text.parse.turn;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.LinkedHashMap;
import java.util.Map;

/// A call as a model wrote it: an entry of `tool_calls`, whose arguments aren't in the types of
/// their schema yet.
///
/// @param entry with `function`, and `id` where the model wrote one
/// @param areTexts whether the form writes each argument as text, so that nothing tells `0.25` from
///     a string
public record WrittenCall(Map<String, Object> entry, boolean areTexts) {
    /// A call whose arguments have JSON's or Python's types.
    public WrittenCall(Map<String, Object> entry) {
        this(entry, false);
    }

    /// A call of a name.
    ///
    /// @param id null if the model wrote none
    public static WrittenCall of(String id, Object name, Object arguments) {
        var function = new LinkedHashMap<String, Object>();
        function.put("name", name);
        function.put("arguments", arguments);
        var entry = new LinkedHashMap<String, Object>();
        if (id != null) {
            entry.put("id", id);
        }
        entry.put("type", "function");
        entry.put("function", function);
        return new WrittenCall(entry);
    }

    /// A call whose arguments stand between tags.
    public static WrittenCall ofTexts(String name, Map<String, String> arguments) {
        return new WrittenCall(of(null, name, arguments).entry(), true);
    }

    /// Adds an id to the call.
    public WrittenCall withId(String id) {
        var copy = new LinkedHashMap<String, Object>();
        copy.put("id", id);
        copy.putAll(entry);
        return new WrittenCall(copy, areTexts);
    }

    /// A call that can't be read.
    public static WrittenCall unreadable(String reason) {
        return new WrittenCall(Map.of("unreadable", reason));
    }

    /// A call that stands without a `function` around it.
    public static WrittenCall flat(Map<?, ?> call) {
        Object id = call.get("id");
        Object arguments =
                call.containsKey("arguments") ? call.get("arguments") : call.get("parameters");
        return of(id instanceof String text ? text : null, call.get("name"), arguments);
    }

    /// Checks the call, and reads its arguments as an object in the types of their schema.
    ///
    /// @throws UnreadableException if name or arguments are something else
    WrittenCall checked(ArgumentTypes types) {
        if (entry.get("unreadable") instanceof String reason) {
            throw new UnreadableException(reason);
        }
        if (!(entry.get("function") instanceof Map<?, ?> function)
                || !(function.get("name") instanceof String name)
                || name.isBlank()) {
            throw new UnreadableException("the name of the function is missing");
        }
        Object given = function.get("arguments");
        Map<?, ?> arguments = object(given == null ? function.get("parameters") : given);
        var checked = new LinkedHashMap<Object, Object>(function);
        if (given == null) {
            checked.remove("parameters");
        }
        checked.put("arguments", types.fitted(name, arguments, areTexts));
        var result = new LinkedHashMap<>(entry);
        result.put("function", checked);
        return new WrittenCall(result);
    }

    private static Map<?, ?> object(Object arguments) {
        Object value = arguments;
        if (arguments instanceof String text) {
            try {
                value = Json.parseAsPython(text);
            } catch (JsonException e) {
                throw new UnreadableException("its arguments are a text that is no JSON");
            }
        }
        return switch (value) {
            case null -> Map.of();
            case Map<?, ?> map -> map;
            default -> throw new UnreadableException("its arguments are no object");
        };
    }

    String name() {
        return (String) ((Map<?, ?>) entry.get("function")).get("name");
    }

    Object arguments() {
        return ((Map<?, ?>) entry.get("function")).get("arguments");
    }
}
