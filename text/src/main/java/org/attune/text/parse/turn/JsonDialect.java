package org.attune.text.parse.turn;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads JSON, and dialects of it: keys without quotes, strings between other marks.
///
/// @param delimiters pairs of marks around strings
/// @param bareKeys what finds keys without quotes, groups: white space, key, white space
/// @param allowsText whether what is no JSON is text
/// @param args settings of the text
public record JsonDialect(
        List<List<String>> delimiters,
        Optional<Pattern> bareKeys,
        boolean allowsText,
        Map<String, Object> args) {
    private static final char OPEN = '\u0001';
    private static final char CLOSE = '\u0002';
    private static final Pattern BARE_KEY =
            Pattern.compile(
                    "\"(?:\\\\.|[^\"\\\\])*+\"|(?<=[{,])(\\s*)(\\w+)(\\s*):",
                    Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNIX_LINES);

    private static final Pattern ANY_KEY =
            Pattern.compile(
                    "\"(?:\\\\.|[^\"\\\\])*+\"|(?<=[{,])(\\s*+)([^\\s\"{}\\[\\],:\\u0001]"
                            + "(?:[^\"{}\\[\\],:\\u0001]*[^\\s\"{}\\[\\],:\\u0001])?)(\\s*+):",
                    Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNIX_LINES);

    /// The dialect by the settings that Hugging Face's `json` parser has.
    ///
    /// @throws IllegalArgumentException if they are malformed
    public static JsonDialect of(Map<String, Object> args) {
        var delimiters = new ArrayList<List<String>>();
        if (args.get("string_delims") instanceof List<?> pairs) {
            for (Object pair : pairs) {
                if (!(pair instanceof List<?> marks)
                        || marks.size() != 2
                        || !(marks.get(0) instanceof String open)
                        || !(marks.get(1) instanceof String close)) {
                    throw new IllegalArgumentException("string_delims must hold pairs of texts");
                }
                delimiters.add(List.of(open, close));
            }
        }
        return new JsonDialect(
                List.copyOf(delimiters),
                PythonRules.isTrue(args.get("unquoted_keys"))
                        ? Optional.of(BARE_KEY)
                        : Optional.empty(),
                PythonRules.isTrue(args.get("allow_non_json")),
                args);
    }

    /// Lets keys without quotes hold all that isn't part of the form: `first name`, `Content-Type`.
    public JsonDialect withAnyKeys() {
        return new JsonDialect(delimiters, Optional.of(ANY_KEY), allowsText, args);
    }

    /// @throws UnreadableException if the text is none of the dialect
    public Object read(String text) {
        if (!delimiters.isEmpty() && (text.indexOf(OPEN) >= 0 || text.indexOf(CLOSE) >= 0)) {
            throw new UnreadableException("the arguments hold control characters");
        }
        String working = text;
        var strings = new ArrayList<String>();
        for (List<String> marks : delimiters) {
            working = taken(working, marks.get(0), marks.get(1), strings);
        }
        if (bareKeys.isPresent()) {
            working = bareKeys.get().matcher(working).replaceAll(JsonDialect::quoted);
        }
        working = restored(working, strings);
        try {
            return Json.parseAsPython(working);
        } catch (JsonException e) {
            if (allowsText) {
                return PythonRules.isTrue(args.getOrDefault("strip", true))
                        ? PythonRules.strip(text)
                        : text;
            }
            throw new UnreadableException("no JSON: " + e.getMessage());
        }
    }

    /// Puts numbers in the places of strings.
    private static String taken(String text, String open, String close, List<String> strings) {
        var result = new StringBuilder();
        int at = 0;
        while (true) {
            int start = text.indexOf(open, at);
            int end = start < 0 ? -1 : text.indexOf(close, start + open.length());
            if (end < 0) {
                return result.append(text, at, text.length()).toString();
            }
            result.append(text, at, start).append(OPEN).append(strings.size()).append(CLOSE);
            strings.add(text.substring(start + open.length(), end));
            at = end + close.length();
        }
    }

    private static String quoted(MatchResult key) {
        return Matcher.quoteReplacement(
                key.group(2) == null
                        ? key.group()
                        : key.group(1) + '"' + key.group(2) + '"' + key.group(3) + ':');
    }

    private static String restored(String text, List<String> strings) {
        if (strings.isEmpty()) {
            return text;
        }
        var result = new StringBuilder();
        int at = 0;
        while (true) {
            int start = text.indexOf(OPEN, at);
            if (start < 0) {
                return result.append(text, at, text.length()).toString();
            }
            int end = text.indexOf(CLOSE, start);
            String string = strings.get(Integer.parseInt(text.substring(start + 1, end)));
            result.append(text, at, start).append(Json.write(string));
            at = end + 1;
        }
    }
}
