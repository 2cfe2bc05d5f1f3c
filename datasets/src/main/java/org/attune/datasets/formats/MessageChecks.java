package org.attune.datasets.formats;

import org.attune.datasets.rows.JsonValues;
import org.attune.error.DatasetException;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// Checks a list of messages before a template sees it, which would fail less clearly or not at
/// all.
public final class MessageChecks {
    private static final List<String> ROLES =
            List.of("system", "developer", "user", "assistant", "tool", "function", "ipython");

    /// Names that other formats use, and ours for them.
    private static final Map<String, String> FOREIGN_ROLES =
            Map.of(
                    "human", "user",
                    "gpt", "assistant",
                    "bot", "assistant",
                    "model", "assistant",
                    "ai", "assistant",
                    "chatbot", "assistant",
                    "observation", "tool",
                    "function_call", "assistant");

    private final String where;
    private final boolean anyRole;

    /// @param where   `file:line`
    /// @param anyRole whether roles of any name pass
    public MessageChecks(String where, boolean anyRole) {
        this.where = where;
        this.anyRole = anyRole;
    }

    /// The messages of a column.
    public List<Message> messages(String column, List<?> values) {
        if (values.isEmpty()) {
            throw fault("column " + column + ": the list of messages is empty");
        }
        var messages = new ArrayList<Message>(values.size());
        for (int i = 0; i < values.size(); i++) {
            messages.add(message(column, i + 1, values.get(i)));
        }
        return messages;
    }

    /// Refuses results of tools that nobody called.
    void toolsAreCalled(List<Message> messages) {
        boolean called = false;
        for (int i = 0; i < messages.size(); i++) {
            Message message = messages.get(i);
            called |= hasCalls(message) || message.fields().get("function_call") != null;
            if (message.role().equals("tool") && !called) {
                throw fault(
                        "message "
                                + (i + 1)
                                + " has the role tool, but no message before it calls a tool"
                                + " (tool_calls)");
            }
        }
    }

    private Message message(String column, int number, Object value) {
        String at = "column " + column + ": ";
        if (!(value instanceof Map<?, ?> map)) {
            throw fault(
                    "%smessage %d is %s, an object with role and content is accepted"
                            .formatted(at, number, JsonValues.kind(value)));
        }
        var fields = new LinkedHashMap<String, Object>();
        map.forEach((key, field) -> fields.put(key.toString(), field));
        if (!(fields.get("role") instanceof String role)) {
            throw fault(
                    fields.get("role") == null
                            ? "%smessage %d has no role; its keys are %s"
                                    .formatted(at, number, keys(fields))
                            : "%sthe role of message %d is %s, a string is accepted"
                                    .formatted(at, number, JsonValues.kind(fields.get("role"))));
        }
        if (!anyRole && !ROLES.contains(role)) {
            String meant = FOREIGN_ROLES.get(role.toLowerCase(Locale.ROOT));
            throw fault(
                    "%smessage %d has the unknown role %s%s; accepted are %s"
                            .formatted(
                                    at,
                                    number,
                                    role,
                                    meant == null ? "" : " (" + meant + " is meant?)",
                                    String.join(", ", ROLES)));
        }
        content(at, number, fields);
        calls(at, number, fields);
        return new Message(fields);
    }

    private void content(String at, int number, Map<String, Object> fields) {
        Object content = fields.get("content");
        if (content instanceof String || content instanceof List<?>) {
            return;
        }
        if (content != null) {
            throw fault(
                    "%sthe content of message %d is %s, a string is accepted"
                            .formatted(at, number, JsonValues.kind(content)));
        }
        boolean other =
                List.of("tool_calls", "function_call", "reasoning_content", "thinking").stream()
                        .anyMatch(key -> fields.get(key) != null);
        if (!other) {
            throw fault(
                    "%smessage %d has neither content nor tool_calls; its keys are %s"
                            .formatted(at, number, keys(fields)));
        }
    }

    private void calls(String at, int number, Map<String, Object> fields) {
        if (fields.get("tool_calls") == null) {
            return;
        }
        if (!(fields.get("tool_calls") instanceof List<?> calls)) {
            throw fault(
                    "%stool_calls of message %d is %s, a list is accepted"
                            .formatted(at, number, JsonValues.kind(fields.get("tool_calls"))));
        }
        var read = new ArrayList<Object>();
        for (int i = 0; i < calls.size(); i++) {
            read.add(
                    call(
                            "%stool call %d of message %d".formatted(at, i + 1, number),
                            calls.get(i)));
        }
        fields.put("tool_calls", read);
    }

    /// A call with its arguments as an object. OpenAI gives them as JSON text, which a template
    /// would write as text inside of JSON.
    private Object call(String what, Object call) {
        boolean nested = call instanceof Map<?, ?> map && map.get("function") != null;
        Object function = nested ? ((Map<?, ?>) call).get("function") : call;
        if (!(function instanceof Map<?, ?> named) || !(named.get("name") instanceof String)) {
            throw fault(
                    what
                            + " has no name; {\"type\": \"function\", \"function\": {\"name\": …,"
                            + " \"arguments\": {…}}} is accepted");
        }
        if (!named.containsKey("arguments")) {
            return call;
        }
        Map<Object, Object> read = new LinkedHashMap<>(named);
        read.put("arguments", arguments(what, named.get("arguments")));
        if (!nested) {
            return read;
        }
        Map<Object, Object> whole = new LinkedHashMap<>((Map<?, ?>) call);
        whole.put("function", read);
        return whole;
    }

    private Object arguments(String what, Object given) {
        Object arguments = given;
        if (given instanceof String text) {
            arguments =
                    text.isBlank()
                            ? Map.of()
                            : JsonValues.parse(
                                    text,
                                    "%s: the arguments of %s are not JSON".formatted(where, what));
        }
        if (arguments != null && !(arguments instanceof Map<?, ?>)) {
            throw fault(
                    "the arguments of %s are %s, an object is accepted, or its JSON text"
                            .formatted(what, JsonValues.kind(arguments)));
        }
        return arguments;
    }

    private static boolean hasCalls(Message message) {
        return message.fields().get("tool_calls") instanceof List<?> calls && !calls.isEmpty();
    }

    private static String keys(Map<String, Object> fields) {
        return fields.keySet().stream().collect(Collectors.joining(", "));
    }

    private DatasetException fault(String what) {
        return new DatasetException(where + ": " + what);
    }
}
