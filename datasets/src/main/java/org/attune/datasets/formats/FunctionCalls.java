package org.attune.datasets.formats;

import org.attune.datasets.rows.JsonValues;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Function calls and tool lists of other tools, in the shape chat templates expect.
final class FunctionCalls {
    private FunctionCalls() {}

    /// The assistant message of a ShareGPT `function_call` turn, whose text is a call
    /// `{"name": …, "arguments": …}` or a list of them. Text before it (reasoning, as a rule)
    /// stays the message's content.
    static Map<String, Object> message(String text, String where) {
        int start = callStart(text);
        if (start < 0) {
            throw new DatasetException(
                    where
                            + ": a function call is accepted as {\"name\": …, \"arguments\": …},"
                            + " got \""
                            + abbreviated(text)
                            + "\"");
        }
        Object parsed = JsonValues.parse(text.substring(start), where + ": function call");
        List<?> calls = parsed instanceof List<?> list ? list : List.of(parsed);
        return message(text.substring(0, start), calls, where);
    }

    /// An assistant message with these calls, each `{"name", "arguments"}` or OpenAI's
    /// `{"type": "function", "function": {…}}`.
    static Map<String, Object> message(String content, List<?> calls, String where) {
        var toolCalls = new ArrayList<Object>();
        for (Object call : calls) {
            toolCalls.add(call(call, where));
        }
        var message = new LinkedHashMap<String, Object>();
        message.put("role", "assistant");
        message.put("content", content);
        message.put("tool_calls", toolCalls);
        return message;
    }

    private static Map<String, Object> call(Object call, String where) {
        Object inner =
                call instanceof Map<?, ?> map && map.get("function") != null
                        ? map.get("function")
                        : call;
        if (!(inner instanceof Map<?, ?> function) || !(function.get("name") instanceof String)) {
            throw new DatasetException(where + ": a function call has no name");
        }
        Object arguments = function.get("arguments");
        if (arguments instanceof String text) {
            arguments = JsonValues.parse(text, where + ": arguments of " + function.get("name"));
        }
        var normal = new LinkedHashMap<String, Object>();
        normal.put("name", function.get("name"));
        normal.put("arguments", arguments == null ? Map.of() : arguments);
        return wrapped(normal);
    }

    /// A list of tools (JSON text or a list; null, empty text and `[]` mean none), each wrapped
    /// as `{"type": "function", "function": {…}}`.
    static List<Object> tools(Object value, String where) {
        Object parsed = value;
        if (value instanceof String text) {
            parsed = text.isBlank() ? null : JsonValues.parse(text, where + ": tools");
        }
        if (parsed == null) {
            return List.of();
        }
        var tools = new ArrayList<Object>();
        for (Object tool : parsed instanceof List<?> list ? list : List.of(parsed)) {
            if (!(tool instanceof Map<?, ?> map)) {
                throw new DatasetException(
                        "%s: a tool is %s, an object is accepted"
                                .formatted(where, JsonValues.kind(tool)));
            }
            tools.add(map.containsKey("function") ? map : wrapped(map));
        }
        return tools;
    }

    private static Map<String, Object> wrapped(Map<?, ?> function) {
        var tool = new LinkedHashMap<String, Object>();
        tool.put("type", "function");
        tool.put("function", function);
        return tool;
    }

    /// Where the call begins: the first brace or bracket after any `</think>`.
    private static int callStart(String text) {
        int from = Math.max(0, text.lastIndexOf("</think>"));
        for (int i = from; i < text.length(); i++) {
            if (text.charAt(i) == '{' || text.charAt(i) == '[') {
                return i;
            }
        }
        return -1;
    }

    private static String abbreviated(String text) {
        return text.length() > 60 ? text.substring(0, 60) + "…" : text;
    }
}
