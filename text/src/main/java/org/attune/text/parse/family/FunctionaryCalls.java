package org.attune.text.parse.family;

import org.attune.text.parse.turn.CallReader.CallReading;
import org.attune.text.parse.turn.UnreadableException;
import org.attune.text.parse.turn.WrittenCall;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Reads turns of Functionary 3.2: parts between `>>>`, each a name on a line and what goes to it;
/// `all` is everyone.
final class FunctionaryCalls {
    private static final String PART = ">>>";

    private FunctionaryCalls() {}

    static CallReading read(String body, Map<String, String> groups) {
        var calls = new ArrayList<WrittenCall>();
        var content = new StringBuilder();
        int at = body.startsWith(PART) ? PART.length() : 0;
        while (at < body.length()) {
            int line = body.indexOf('\n', at);
            String name = line < 0 ? "" : body.substring(at, line);
            if (!name.matches("[\\w.-]+")) {
                content.append(body, at, body.length());
                break;
            }
            int end = name.equals("all") ? partEnd(body, line) : call(body, line, name, calls);
            if (name.equals("all")) {
                content.append(body, line + 1, end);
            }
            at = end + (body.startsWith(PART, end) ? PART.length() : 0);
        }
        return new CallReading(calls, content.toString());
    }

    private static int partEnd(String body, int from) {
        int end = body.indexOf(PART, from);
        return end < 0 ? body.length() : end;
    }

    private static int call(String body, int line, String name, List<WrittenCall> calls) {
        int start = line + 1;
        if (start == body.length() || body.charAt(start) != '{') {
            int end = partEnd(body, line);
            calls.add(WrittenCall.of(null, name, Map.of("code", body.substring(start, end))));
            return end;
        }
        var values = new JsonCalls.Values(body, start);
        try {
            calls.add(WrittenCall.of(null, name, values.value()));
        } catch (UnreadableException e) {
            calls.add(WrittenCall.unreadable(e.getMessage()));
        }
        return partEnd(body, Math.max(values.end(), line));
    }
}
