package org.attune.auto;

import com.fasterxml.jackson.core.JsonProcessingException;

import org.attune.datasets.formats.Transcript;
import org.attune.json.Json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Conversations in cells: lists of messages with `role` and `content`, or ShareGPT's `from` and
/// `value`, as JSON or as Python prints them.
final class ChatCell {
    private ChatCell() {}

    /// The cell's messages with `role` and `content`; empty if it is no conversation.
    static Optional<List<Map<String, Object>>> of(Object cell) {
        Object value = value(cell);
        if (value == null && cell instanceof String text) {
            return Transcript.of(text);
        }
        if (value instanceof Map<?, ?> map && map.size() == 1) {
            value = map.values().iterator().next();
        }
        if (!(value instanceof List<?> list) || list.isEmpty()) {
            return Optional.empty();
        }
        List<Map<String, Object>> messages = new ArrayList<>();
        for (Object item : list) {
            Optional<Map<String, Object>> message = message(item);
            if (message.isEmpty()) {
                return Optional.empty();
            }
            messages.add(message.get());
        }
        return Optional.of(messages);
    }

    /// Whether a text is a list or an object as Python prints it, or a list of one text: what an
    /// export made of a value that is no text.
    static boolean isPrinted(String text) {
        String stripped = text.strip();
        if (!stripped.startsWith("[") && !stripped.startsWith("{")) {
            return false;
        }
        try {
            Object value = Json.WHOLE.forType(Object.class).readValue(stripped);
            return value instanceof List<?> list
                    && list.size() == 1
                    && list.getFirst() instanceof String;
        } catch (JsonProcessingException e) {
            return PythonLiteral.parse(stripped).isPresent();
        }
    }

    private static Object value(Object cell) {
        return cell instanceof String text ? parsed(text) : cell;
    }

    static Object parsed(String text) {
        String stripped = text.strip();
        if (!stripped.startsWith("[") && !stripped.startsWith("{")) {
            return null;
        }
        try {
            return Json.WHOLE.forType(Object.class).readValue(stripped);
        } catch (JsonProcessingException e) {
            return PythonLiteral.parse(stripped).orElse(null);
        }
    }

    /// The only message of a cell, with `role` and `content`. LangChain names who speaks `type`,
    /// and keeps what is said within `data`.
    static Optional<Map<String, Object>> single(Object cell) {
        Object value = value(cell);
        if (!(value instanceof Map<?, ?> map)) {
            return Optional.empty();
        }
        Map<Object, Object> flat = new LinkedHashMap<>(map);
        if (map.get("data") instanceof Map<?, ?> data) {
            flat.putAll(data);
            flat.put("type", map.get("type"));
        }
        if (flat.containsKey("type")) {
            flat.putIfAbsent("role", flat.get("type"));
        }
        return message(flat);
    }

    private static Optional<Map<String, Object>> message(Object item) {
        if (!(item instanceof Map<?, ?> map)) {
            return Optional.empty();
        }
        Object from = map.containsKey("role") ? map.get("role") : map.get("from");
        Object content = map.containsKey("content") ? map.get("content") : map.get("value");
        Optional<String> role = Transcript.role(from);
        if (role.isEmpty() || !(content instanceof String text)) {
            return Optional.empty();
        }
        return Optional.of(Transcript.message(role.get(), text));
    }
}
