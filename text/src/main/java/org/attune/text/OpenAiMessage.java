package org.attune.text;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// Reads a message of a request to an OpenAI-compatible server as chat templates take it: content
/// is a text, or a list of parts where there are pictures, arguments of calls are objects, what is
/// null is left out.
public final class OpenAiMessage {
    private static final Set<String> ROLES =
            Set.of("system", "developer", "user", "assistant", "tool");

    /// Fields of an answer that clients send back, and that say nothing more to a template.
    private static final Set<String> OF_ANSWERS =
            Set.of("refusal", "annotations", "audio", "function_call");

    private OpenAiMessage() {}

    /// @param value a JSON value as in [Message]
    /// @throws IllegalArgumentException if it is no message, or has content that is neither text
    ///     nor pictures, or a picture that isn't in the request; the text says why
    public static Message read(Object value) {
        if (!(value instanceof Map<?, ?> map) || !(map.get("role") instanceof String role)) {
            throw refused("a message is no object with a \"role\": " + value);
        }
        if (!ROLES.contains(role)) {
            throw refused(
                    "a message has the role \"%s\"; accepted: system, developer, user, assistant, tool"
                            .formatted(role));
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        map.forEach((key, field) -> fields.put((String) key, field));
        fields.put("content", content(fields.get("content")));
        if (role.equals("developer")) {
            fields.put("role", "system");
        }
        if (fields.get("tool_calls") instanceof List<?> calls && !calls.isEmpty()) {
            fields.put("tool_calls", calls.stream().map(OpenAiMessage::call).toList());
        } else {
            fields.remove("tool_calls");
        }
        fields.keySet().removeAll(OF_ANSWERS);
        fields.values().removeIf(Objects::isNull);
        return new Message(fields);
    }

    /// A message without pictures.
    ///
    /// @param value a JSON value as in [Message]
    /// @throws IllegalArgumentException where [#read] has one, and if it has a picture
    public static Message readText(Object value) {
        Message message = read(value);
        if (!message.pictures().isEmpty()) {
            throw refused("a message has a picture, and only text is taken here");
        }
        return message;
    }

    private static IllegalArgumentException refused(String why) {
        return new IllegalArgumentException(why);
    }

    private static Object content(Object content) {
        return switch (content) {
            case null -> "";
            case String text -> text;
            case List<?> parts -> parts(parts);
            default -> throw noText(content);
        };
    }

    /// Texts are joined where there are no pictures, since few templates know parts.
    private static Object parts(List<?> given) {
        var text = new StringBuilder();
        List<Object> parts = new ArrayList<>();
        boolean sees = false;
        for (Object part : given) {
            if (part instanceof Map<?, ?> map && map.get("text") instanceof String piece) {
                text.append(piece);
                parts.add(part("text", piece));
            } else if (part instanceof Map<?, ?> map && RequestPicture.isOne(map)) {
                parts.add(part("image", RequestPicture.read(map)));
                sees = true;
            } else {
                throw noText(part);
            }
        }
        return sees ? parts : text.toString();
    }

    private static Map<String, Object> part(String type, Object value) {
        Map<String, Object> part = new LinkedHashMap<>();
        part.put("type", type);
        part.put(type, value);
        return part;
    }

    private static IllegalArgumentException noText(Object content) {
        String shown = String.valueOf(content);
        return refused(
                "a message has content that is neither text nor a picture: "
                        + (shown.length() <= 100 ? shown : shown.substring(0, 100) + "…"));
    }

    private static Object call(Object value) {
        if (!(value instanceof Map<?, ?> call)
                || !(call.get("function") instanceof Map<?, ?> function)) {
            return value;
        }
        Map<Object, Object> inner = new LinkedHashMap<>(function);
        if (inner.get("arguments") instanceof String text) {
            inner.put("arguments", arguments(text));
        }
        Map<Object, Object> outer = new LinkedHashMap<>(call);
        outer.put("function", inner);
        return outer;
    }

    private static Object arguments(String text) {
        try {
            return text.isBlank() ? Map.of() : Json.parseAsPython(text);
        } catch (JsonException e) {
            return text; // a model wrote it, and a template shows it as it is
        }
    }
}
