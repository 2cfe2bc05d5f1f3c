package org.attune.text.parse.family;

import org.attune.json.Json;
import org.attune.json.JsonException;
import org.attune.text.parse.turn.CallList;
import org.attune.text.parse.turn.CallReader.CallReading;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.UnreadableException;
import org.attune.text.parse.turn.WrittenCall;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads calls that are JSON objects, one or several, alone or in a list:
/// `{"name": …, "arguments": {…}}`.
final class JsonCalls {
    private static final Pattern FENCE =
            Pattern.compile("\\s*```\\w*\\s(.*?)```\\s*", Pattern.DOTALL);

    private JsonCalls() {}

    /// The calls of a text that holds nothing else.
    static CallReading read(String body, Map<String, String> groups) {
        return CallReading.of(calls(body));
    }

    static List<WrittenCall> calls(String body) {
        String text = unfenced(body);
        var values = new Values(text, 0);
        List<WrittenCall> calls = values.calls();
        if (calls.isEmpty()) {
            throw new UnreadableException("it is empty");
        }
        if (values.end() < text.length()) {
            throw new UnreadableException("something follows its end");
        }
        return calls;
    }

    /// Some models put code fences around JSON.
    private static String unfenced(String body) {
        Matcher fence = FENCE.matcher(body);
        return fence.matches() ? fence.group(1) : body;
    }

    /// Values one after another, from a place of a text on.
    static final class Values {
        private final String text;
        private int at;

        Values(String text, int start) {
            this.text = text;
            this.at = start;
        }

        /// Calls up to the first character that begins no value.
        List<WrittenCall> calls() {
            var calls = new ArrayList<WrittenCall>();
            while (skipToValue()) {
                Object value = value();
                if (value instanceof List<?> list) {
                    list.forEach(item -> calls.add(call(item)));
                } else {
                    calls.add(call(value));
                }
            }
            return calls;
        }

        /// Steps over what separates values; whether one begins then.
        boolean skipToValue() {
            int next = at;
            while (next < text.length()
                    && (PythonRules.isSpace(text.charAt(next))
                            || ",;".indexOf(text.charAt(next)) >= 0)) {
                next++;
            }
            boolean begins = next < text.length() && "{[".indexOf(text.charAt(next)) >= 0;
            at = begins || next == text.length() ? next : at;
            return begins;
        }

        Object value() {
            try {
                Json.First first = Json.parseFirst(text, at);
                at = first.end();
                return first.value();
            } catch (JsonException e) {
                throw new UnreadableException("no JSON: " + e.getMessage());
            }
        }

        /// Where reading has come to.
        int end() {
            return at;
        }
    }

    /// The call that an object is.
    static WrittenCall call(Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            return WrittenCall.unreadable("it is no object");
        }
        if (map.get("function") instanceof Map<?, ?> function) {
            WrittenCall inner = call(function);
            return map.get("id") instanceof String id && !inner.entry().containsKey("id")
                    ? inner.withId(id)
                    : inner;
        }
        Object name = first(map, "name", "tool_name", "function");
        if (!(name instanceof String)) {
            return WrittenCall.unreadable("the name of the function is missing");
        }
        Object id = first(map, "id", "tool_call_id");
        return WrittenCall.of(
                id instanceof String text ? text : null,
                name,
                first(map, "arguments", "parameters"));
    }

    private static Object first(Map<?, ?> map, String... keys) {
        for (String key : keys) {
            if (map.get(key) != null) {
                return map.get(key);
            }
        }
        return null;
    }

    /// Whether an object asks for a call: it names a function and has arguments.
    static boolean isCall(Object value) {
        return value instanceof Map<?, ?> map
                && first(map, "name", "function") != null
                && (map.containsKey("arguments") || map.containsKey("parameters"));
    }

    /// Objects whose one key is the name: `{"add": {"a": 1}}`.
    static CallReading readByName(String body, Map<String, String> groups) {
        Object value = new Values(body, 0).value();
        var calls = new ArrayList<WrittenCall>();
        for (Object item : value instanceof List<?> list ? list : List.of(value)) {
            if (item instanceof Map<?, ?> map && map.size() == 1) {
                map.forEach((name, arguments) -> calls.add(WrittenCall.of(null, name, arguments)));
            } else {
                calls.add(call(item));
            }
        }
        return CallReading.of(calls);
    }

    /// JSON, or a dictionary in Python's writing inside it.
    static CallReading readMixed(String body, Map<String, String> groups) {
        try {
            return read(body, groups);
        } catch (UnreadableException e) {
            Object value = new CallList(body, CallList.Grammar.LENIENT).value();
            return CallReading.of(List.of(call(value)));
        }
    }
}
