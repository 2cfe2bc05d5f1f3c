package org.attune.text.parse.family;

import org.attune.text.parse.turn.CallReader.CallReading;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.UnreadableException;
import org.attune.text.parse.turn.WrittenCall;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads calls whose name, id and JSON arguments stand between control tokens.
final class MarkedCalls {
    private static final Pattern KIMI_ID = Pattern.compile("(?:functions\\.)?(.+?)(?::\\d+)?");
    private static final String CALLS = "[TOOL_CALLS]";

    /// After so many the rest isn't read, so that time stays linear.
    private static final int MOST_UNREADABLE = 20;

    private MarkedCalls() {}

    /// DeepSeek: `function<｜tool▁sep｜>add` and a fenced block, or `add<｜tool▁sep｜>{…}`.
    static CallReading readDeepSeek(String body, Map<String, String> groups) {
        String separator = "<｜tool▁sep｜>";
        int split = body.indexOf(separator);
        if (split < 0) {
            throw new UnreadableException("there is no " + separator);
        }
        String first = PythonRules.strip(body.substring(0, split));
        String rest = body.substring(split + separator.length());
        int brace = rest.indexOf('{');
        String between = brace < 0 ? rest : rest.substring(0, brace);
        String name = PythonRules.strip(between.replace("```json", "").replace("```", ""));
        String arguments = brace < 0 ? "" : rest.substring(brace);
        int fence = arguments.lastIndexOf("```");
        return CallReading.of(
                List.of(
                        WrittenCall.of(
                                null,
                                name.isEmpty() ? first : name,
                                object(fence < 0 ? arguments : arguments.substring(0, fence)))));
    }

    /// Kimi: `functions.add:0<|tool_call_argument_begin|>{…}`.
    static CallReading readKimi(String body, Map<String, String> groups) {
        String separator = "<|tool_call_argument_begin|>";
        int split = body.indexOf(separator);
        if (split < 0) {
            throw new UnreadableException("there is no " + separator);
        }
        String id = PythonRules.strip(body.substring(0, split));
        Matcher parts = KIMI_ID.matcher(id);
        if (!parts.matches()) {
            throw new UnreadableException("the name of the function is missing");
        }
        return CallReading.of(
                List.of(
                        WrittenCall.of(
                                id,
                                parts.group(1),
                                object(body.substring(split + separator.length())))));
    }

    /// Mistral: a list of objects, or `add[CALL_ID]id[ARGS]{…}`, again and again.
    static CallReading readMistral(String body, Map<String, String> groups) {
        var calls = new ArrayList<WrittenCall>();
        var content = new StringBuilder();
        int unreadable = 0;
        int at = 0;
        while (at < body.length()) {
            at = PythonRules.skipSpace(body, at);
            var values = new JsonCalls.Values(body, at);
            try {
                if (at < body.length() && "[{".indexOf(body.charAt(at)) >= 0) {
                    calls.addAll(values.calls());
                    at = values.end();
                } else {
                    at = named(body, at, calls);
                }
            } catch (UnreadableException e) {
                calls.add(WrittenCall.unreadable(e.getMessage()));
                unreadable++;
            }
            int next = unreadable > MOST_UNREADABLE ? -1 : body.indexOf(CALLS, at);
            content.append(body, at, next < 0 ? body.length() : next);
            at = next < 0 ? body.length() : next + CALLS.length();
        }
        if (calls.isEmpty()) {
            throw new UnreadableException("it is empty");
        }
        boolean isRead = calls.stream().noneMatch(call -> call.entry().containsKey("unreadable"));
        return new CallReading(calls, isRead ? content.toString() : "");
    }

    /// A call whose name stands before its arguments; where it ends.
    private static int named(String body, int start, List<WrittenCall> calls) {
        int brace = body.indexOf('{', start);
        if (brace < 0) {
            throw new UnreadableException("its arguments are missing");
        }
        String header = body.substring(start, brace).replace("[ARGS]", "");
        int mark = header.indexOf("[CALL_ID]");
        String name = PythonRules.strip(mark < 0 ? header : header.substring(0, mark));
        String id =
                mark < 0 ? null : PythonRules.strip(header.substring(mark + "[CALL_ID]".length()));
        var values = new JsonCalls.Values(body, brace);
        calls.add(WrittenCall.of(id, name, values.value()));
        return values.end();
    }

    /// A text that is one JSON object.
    static Object object(String text) {
        var values = new JsonCalls.Values(text, PythonRules.skipSpace(text, 0));
        Object value = values.value();
        if (PythonRules.skipSpace(text, values.end()) < text.length()) {
            throw new UnreadableException("something follows the end of its arguments");
        }
        return value;
    }
}
