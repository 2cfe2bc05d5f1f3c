package org.attune.agents.tool;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;

import java.lang.reflect.Array;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// What a model reads of what a tool's method returns: a text as it is, everything else as JSON.
final class ResultText {

    private ResultText() {}

    /// @param value a [ToolResult] stays what it is
    /// @throws IllegalStateException if it can't be written as JSON: the tool is wrong
    static ToolResult of(Object value) {
        return value instanceof ToolResult result ? result : new ToolResult.Ok(text(value));
    }

    private static String text(Object value) {
        if (value instanceof String text) {
            return text;
        }
        try {
            return Json.write(plain(value));
        } catch (IllegalArgumentException | ReflectiveOperationException e) {
            throw new IllegalStateException(
                    "a result of %s can't be written as JSON: %s"
                            .formatted(value.getClass().getName(), e.getMessage()),
                    e);
        }
    }

    /// Makes JSON values of a result.
    private static Object plain(Object value) throws ReflectiveOperationException {
        return switch (value) {
            case null -> null;
            case String text -> text;
            case Boolean truth -> truth;
            case Number number -> number(number);
            case Character character -> character.toString();
            case Enum<?> constant -> constant.name();
            case Optional<?> maybe -> plain(maybe.orElse(null));
            case OptionalInt maybe -> maybe.isPresent() ? maybe.getAsInt() : null;
            case OptionalLong maybe -> maybe.isPresent() ? maybe.getAsLong() : null;
            case OptionalDouble maybe -> maybe.isPresent() ? maybe.getAsDouble() : null;
            case Map<?, ?> map -> map(map);
            case Collection<?> collection -> list(collection.toArray());
            case Record record -> record(record);
            case JsonNode node -> Json.parse(node.toString());
            default ->
                    value.getClass().isArray()
                            ? list(value)
                            : Json.MAPPER.convertValue(value, Object.class);
        };
    }

    private static Object number(Number number) {
        return switch (number) {
            case Float f -> Double.valueOf(f.toString()); // 0.1f is 0.1, and no digits more
            case Short s -> s.longValue();
            case Byte b -> b.longValue();
            case BigDecimal d -> d.doubleValue();
            default -> number;
        };
    }

    private static Object map(Map<?, ?> map) throws ReflectiveOperationException {
        var plain = new LinkedHashMap<String, Object>();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            plain.put(String.valueOf(entry.getKey()), plain(entry.getValue()));
        }
        return plain;
    }

    private static Object list(Object array) throws ReflectiveOperationException {
        var plain = new ArrayList<Object>();
        for (int i = 0; i < Array.getLength(array); i++) {
            plain.add(plain(Array.get(array, i)));
        }
        return plain;
    }

    private static Object record(Record record) throws ReflectiveOperationException {
        var plain = new LinkedHashMap<String, Object>();
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            component.getAccessor().setAccessible(true);
            plain.put(component.getName(), plain(component.getAccessor().invoke(record)));
        }
        return plain;
    }
}
