package org.attune.text.parse.family;

import org.attune.text.parse.turn.CallReader.CallReading;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.UnreadableException;
import org.attune.text.parse.turn.WrittenCall;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// Reads calls of Llama 3: JSON objects without marks around them, or what follows
/// `<|python_tag|>`.
final class LlamaCalls {
    private static final Pattern CALL =
            Pattern.compile("([A-Za-z_][\\w.]*?)(?:\\.call)?\\(.*\\)", Pattern.DOTALL);

    private LlamaCalls() {}

    /// Objects, and what follows them. An object without name or arguments is an answer. A damaged
    /// object doesn't undo the calls before it.
    static CallReading readObjects(String body, Map<String, String> groups) {
        var values = new JsonCalls.Values(body, 0);
        var calls = new ArrayList<WrittenCall>();
        int end = 0;
        while (values.skipToValue()) {
            Object value;
            try {
                value = values.value();
            } catch (UnreadableException e) {
                if (calls.isEmpty()) {
                    throw e;
                }
                calls.add(WrittenCall.unreadable(e.getMessage()));
                break;
            }
            List<?> items = value instanceof List<?> list ? list : List.of(value);
            if (!items.stream().allMatch(JsonCalls::isCall)) {
                break;
            }
            items.forEach(item -> calls.add(JsonCalls.call(item)));
            end = values.end();
        }
        return new CallReading(calls, body.substring(end));
    }

    /// Objects, `brave_search.call(query="…")`, or code for the interpreter.
    static CallReading readTagged(String body, Map<String, String> groups) {
        String text = PythonRules.strip(body);
        if (text.startsWith("{") || text.startsWith("[")) {
            return CallReading.of(JsonCalls.calls(text));
        }
        if (CALL.matcher(text).matches()) {
            try {
                return PythonCalls.read(text.replaceFirst("\\.call\\(", "("), groups);
            } catch (UnreadableException e) {
                return code(text);
            }
        }
        if (text.isEmpty()) {
            throw new UnreadableException("it is empty");
        }
        return code(text);
    }

    private static CallReading code(String text) {
        return CallReading.of(
                List.of(WrittenCall.of(null, "code_interpreter", Map.of("code", text))));
    }
}
