package org.attune.text.parse.protocol;

import org.attune.json.Json;
import org.attune.json.JsonException;
import org.attune.text.parse.turn.ArgumentTypes;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.UnreadableException;
import org.attune.text.parse.turn.WrittenCall;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A call on a line: the tool's name, then its arguments in the order of its schema. One argument
/// is the rest of the line. Of several each is a word, a number or a text in double quotes, and the
/// last is the rest; or all are a JSON object.
final class CallLine {
    private static final Pattern LINE =
            Pattern.compile("\\s*([A-Za-z_][\\w.-]*)(?:\\s+(\\S.*?))?\\s*", Pattern.DOTALL);
    private static final Pattern WORD = Pattern.compile("[^\\s\"{][^\\s\"]*");

    private CallLine() {}

    /// The call of a line, without the word that announces it.
    ///
    /// @throws UnreadableException if it has no name
    static WrittenCall read(String line, ArgumentTypes types) {
        Matcher parts = LINE.matcher(line);
        if (!parts.matches()) {
            throw new UnreadableException("the name of the tool is missing");
        }
        String rest = parts.group(2) == null ? "" : parts.group(2);
        return WrittenCall.of(
                null, parts.group(1), arguments(rest, types.parameters(parts.group(1))));
    }

    private static Map<String, Object> arguments(String rest, List<String> parameters) {
        var arguments = new LinkedHashMap<String, Object>();
        if (rest.isEmpty()) {
            return arguments;
        }
        if (rest.startsWith("{") && json(rest) instanceof Map<?, ?> object) {
            object.forEach((key, value) -> arguments.put((String) key, value));
            return arguments;
        }
        int at = 0;
        for (int i = 0; i < parameters.size() && at < rest.length(); i++) {
            int end = i == parameters.size() - 1 ? rest.length() : wordEnd(rest, at);
            arguments.put(parameters.get(i), value(rest.substring(at, end)));
            at = PythonRules.skipSpace(rest, end);
        }
        if (parameters.isEmpty()) {
            arguments.put("input", value(rest));
        }
        return arguments;
    }

    /// Where a word ends, or a text in double quotes.
    private static int wordEnd(String rest, int start) {
        if (rest.charAt(start) == '"') {
            try {
                return Json.parseFirst(rest, start).end();
            } catch (JsonException e) {
                throw new UnreadableException("a text in quotes doesn't end");
            }
        }
        int end = start;
        while (end < rest.length() && !PythonRules.isSpace(rest.charAt(end))) {
            end++;
        }
        return end;
    }

    private static Object value(String text) {
        return text.startsWith("\"") && json(text) instanceof String string ? string : text;
    }

    private static Object json(String text) {
        try {
            return Json.parseAsPython(text);
        } catch (JsonException e) {
            return null;
        }
    }

    /// A call as a line, so that [#read] reads it back.
    static String write(String name, Map<?, ?> arguments, ArgumentTypes types) {
        List<String> parameters = types.parameters(name);
        var words = new ArrayList<String>();
        words.add(name);
        boolean isPlain =
                arguments.size() <= parameters.size()
                        && List.copyOf(arguments.keySet())
                                .equals(parameters.subList(0, arguments.size()));
        int place = 0;
        for (Object value : arguments.values()) {
            isPlain &=
                    value instanceof String || value instanceof Number || value instanceof Boolean;
            boolean isLast = ++place == parameters.size();
            words.add(value instanceof String text ? quoted(text, isLast) : Json.write(value));
        }
        return isPlain ? String.join(" ", words) : name + " " + Json.write(arguments);
    }

    private static String quoted(String text, boolean isRest) {
        boolean isWord =
                isRest
                        ? !text.isEmpty()
                                && PythonRules.strip(text).equals(text)
                                && "{\"".indexOf(text.charAt(0)) < 0
                                && text.indexOf('\n') < 0
                                && text.indexOf('\r') < 0
                        : WORD.matcher(text).matches();
        return isWord ? text : Json.write(text);
    }
}
