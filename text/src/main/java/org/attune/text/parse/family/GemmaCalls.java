package org.attune.text.parse.family;

import org.attune.text.parse.turn.CallReader.CallReading;
import org.attune.text.parse.turn.JsonDialect;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.Quote;
import org.attune.text.parse.turn.UnreadableException;
import org.attune.text.parse.turn.WrittenCall;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Reads calls of Gemma 4: `call:add{a:1,b:<|"|>two<|"|>}`.
final class GemmaCalls {
    private static final String STRING = "<|\"|>";
    private static final String CALL = "call:";

    static final List<Quote> QUOTES =
            Stream.concat(Stream.of(new Quote(STRING, STRING, false, false)), Quote.JSON.stream())
                    .toList();

    private static final JsonDialect DIALECT =
            JsonDialect.of(Map.of("string_delims", List.of(List.of(STRING, STRING)))).withAnyKeys();

    private GemmaCalls() {}

    static CallReading read(String body, Map<String, String> groups) {
        String text = PythonRules.strip(body);
        int brace = text.indexOf('{');
        if (brace < 0) {
            throw new UnreadableException("its arguments are missing");
        }
        String before = PythonRules.strip(text.substring(0, brace));
        String name = before.startsWith(CALL) ? before.substring(CALL.length()) : before;
        return CallReading.of(
                List.of(
                        WrittenCall.of(
                                null,
                                PythonRules.strip(name),
                                DIALECT.read(text.substring(brace)))));
    }
}
