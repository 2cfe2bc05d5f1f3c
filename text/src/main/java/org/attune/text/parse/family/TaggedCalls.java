package org.attune.text.parse.family;

import org.attune.text.parse.turn.CallReader.CallReading;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.Quote;
import org.attune.text.parse.turn.UnreadableException;
import org.attune.text.parse.turn.WrittenCall;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Reads calls whose arguments stand between tags, each as text.
final class TaggedCalls {
    /// Values may hold what closes a call.
    static final List<Quote> QUOTES =
            Stream.concat(
                            Stream.of(
                                    new Quote("<parameter", "</parameter>", false, false),
                                    new Quote("<arg_value>", "</arg_value>", false, false)),
                            Quote.JSON.stream())
                    .toList();

    /// How a call is written.
    ///
    /// @param onLines whether a line break comes before and after each value
    private record Tags(String open, String close, String parameter, boolean onLines) {
        static final Tags FUNCTION = new Tags("<function=", "</function>", "<parameter=", true);
        static final Tags INVOKE =
                new Tags("<invoke name=", "</invoke>", "<parameter name=", false);

        Tags inOneLine() {
            return new Tags(open, close, parameter, false);
        }
    }

    private TaggedCalls() {}

    /// What stands between `<tool_call>` and `</tool_call>`: JSON, `<function=add>` with
    /// `<parameter=a>` within it, or a name and pairs of `<arg_key>` and `<arg_value>`.
    static CallReading read(String body, Map<String, String> groups) {
        String text = PythonRules.strip(body);
        if (text.startsWith("<function=")) {
            return CallReading.of(functions(text, Tags.FUNCTION));
        }
        if (text.startsWith("{") || text.startsWith("[") || text.startsWith("`")) {
            return JsonCalls.read(text, groups);
        }
        return CallReading.of(List.of(keysAndValues(text)));
    }

    /// What stands between `<seed:tool_call>` and its end, without line breaks around values.
    static CallReading readInOneLine(String body, Map<String, String> groups) {
        String text = PythonRules.strip(body);
        return text.startsWith("<function=")
                ? CallReading.of(functions(text, Tags.FUNCTION.inOneLine()))
                : read(text, groups);
    }

    /// What stands between `<minimax:tool_call>` and its end.
    static CallReading readInvocations(String body, Map<String, String> groups) {
        return CallReading.of(functions(PythonRules.strip(body), Tags.INVOKE));
    }

    private static List<WrittenCall> functions(String text, Tags tags) {
        var calls = new ArrayList<WrittenCall>();
        String open = tags.open();
        int at = text.indexOf(open);
        while (at >= 0) {
            int nameEnd = text.indexOf('>', at);
            if (nameEnd < 0) {
                throw new UnreadableException("the name of the function doesn't end");
            }
            String name = name(text.substring(at + open.length(), nameEnd));
            var arguments = new LinkedHashMap<String, String>();
            int end = parameters(text, nameEnd + 1, tags, arguments);
            calls.add(WrittenCall.ofTexts(name, arguments));
            at = text.indexOf(open, end);
        }
        if (calls.isEmpty()) {
            throw new UnreadableException("there is no " + open);
        }
        return calls;
    }

    /// Names may stand in quotes.
    private static String name(String text) {
        String name = PythonRules.strip(text);
        boolean isQuoted =
                name.length() > 1 && name.charAt(0) == '"' && name.charAt(name.length() - 1) == '"';
        return isQuoted ? name.substring(1, name.length() - 1) : name;
    }

    /// Puts the parameters of a function into a map; where the function ends.
    private static int parameters(String text, int from, Tags tags, Map<String, String> into) {
        String open = tags.parameter();
        String close = tags.close();
        int at = from;
        while (true) {
            int start = text.indexOf(open, at);
            int end = text.indexOf(close, at);
            if (start < 0 || end >= 0 && end < start) {
                return end < 0 ? text.length() : end;
            }
            int nameEnd = text.indexOf('>', start);
            if (nameEnd < 0) {
                throw new UnreadableException("the name of a parameter doesn't end");
            }
            int valueEnd = text.indexOf("</parameter>", nameEnd);
            boolean isClosed = valueEnd >= 0;
            if (!isClosed) {
                valueEnd = text.indexOf(close, nameEnd);
            }
            if (valueEnd < 0) {
                throw new UnreadableException("a parameter isn't closed");
            }
            String value = text.substring(nameEnd + 1, valueEnd);
            into.put(
                    name(text.substring(start + open.length(), nameEnd)),
                    tags.onLines() ? withoutLineBreaks(value) : value);
            at = isClosed ? valueEnd + "</parameter>".length() : valueEnd;
        }
    }

    /// Values may be put on separate lines.
    private static String withoutLineBreaks(String value) {
        int start = value.startsWith("\n") ? 1 : 0;
        int end = value.length() - (value.length() > start && value.endsWith("\n") ? 1 : 0);
        return value.substring(start, end);
    }

    private static WrittenCall keysAndValues(String text) {
        int keys = text.indexOf("<arg_key>");
        String name = PythonRules.strip(keys < 0 ? text : text.substring(0, keys));
        if (name.isEmpty() || name.chars().anyMatch(c -> c == '<' || Character.isWhitespace(c))) {
            throw new UnreadableException("the name of the function is missing");
        }
        var arguments = new LinkedHashMap<String, String>();
        int at = keys;
        while (at >= 0) {
            int keyEnd = text.indexOf("</arg_key>", at);
            int value = keyEnd < 0 ? -1 : text.indexOf("<arg_value>", keyEnd);
            int valueEnd = value < 0 ? -1 : text.indexOf("</arg_value>", value);
            if (valueEnd < 0) {
                throw new UnreadableException("an argument has no value, or isn't closed");
            }
            arguments.put(
                    PythonRules.strip(text.substring(at + "<arg_key>".length(), keyEnd)),
                    text.substring(value + "<arg_value>".length(), valueEnd));
            at = text.indexOf("<arg_key>", valueEnd);
        }
        return WrittenCall.ofTexts(name, arguments);
    }
}
