package org.attune.text.parse.family;

import org.attune.text.parse.turn.CallList;
import org.attune.text.parse.turn.CallReader.CallReading;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.UnreadableException;
import org.attune.text.parse.turn.WrittenCall;

import java.util.List;
import java.util.Map;

/// Reads calls in Python's writing: `[add(a=1, b=2)]`.
final class PythonCalls {
    private PythonCalls() {}

    /// A text that holds nothing but calls, or JSON instead of them.
    static CallReading read(String body, Map<String, String> groups) {
        CallReading reading = readFirst(body);
        if (!reading.content().isEmpty()) {
            throw new UnreadableException("something follows its end");
        }
        return reading;
    }

    /// Calls, and what follows them.
    static CallReading readWithRest(String body, Map<String, String> groups) {
        return readFirst(body);
    }

    private static CallReading readFirst(String body) {
        String text = PythonRules.strip(body);
        if (text.isEmpty()) {
            throw new UnreadableException("it is empty");
        }
        if (text.startsWith("{") || text.startsWith("[{")) {
            return CallReading.of(JsonCalls.calls(text));
        }
        try {
            return calls(text, CallList.Grammar.LENIENT);
        } catch (UnreadableException e) {
            try {
                return calls(text, CallList.Grammar.UNESCAPED);
            } catch (UnreadableException again) {
                throw e;
            }
        }
    }

    private static CallReading calls(String text, CallList.Grammar grammar) {
        var list = new CallList(text, grammar);
        List<WrittenCall> calls =
                list.firstCalls().stream().map(call -> WrittenCall.flat((Map<?, ?>) call)).toList();
        if (calls.isEmpty()) {
            throw new UnreadableException("it is empty");
        }
        return new CallReading(calls, PythonRules.strip(text.substring(list.end())));
    }
}
