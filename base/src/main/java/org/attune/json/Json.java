package org.attune.json;

import org.attune.jinja.JinjaException;
import org.attune.jinja.JsonText;
import org.attune.jinja.PythonText;

import java.nio.charset.StandardCharsets;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// JSON as plain Java values. Objects are `LinkedHashMap<String, Object>` in the text's order,
/// arrays `ArrayList<Object>`, integers `Long` or (beyond 64 bits) `BigInteger`, other numbers
/// `Double`, then `String`, `Boolean` and `null`.
///
/// The reader is strict (RFC 8259): no comments, no `NaN`, no repeated keys, no lone surrogates.
public final class Json {
    /// Objects and arrays may be nested this deep.
    public static final int MAX_DEPTH = 500;

    /// A text and what makes it a name; possessive, so that long ones need no stack.
    private static final Pattern TEXT =
            Pattern.compile("\"[^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+\"(\\s*:)?");

    private static final Pattern HALF = Pattern.compile("\\p{Cs}");

    private Json() {}

    /// The value that `text` holds.
    ///
    /// @throws JsonException if `text` is not exactly one JSON value
    public static Object parse(String text) {
        return new JsonParser(text).document();
    }

    /// The value that `text` holds, as Python's `json.loads` reads it: `NaN` and `Infinity` are
    /// numbers, of repeated keys the last counts, halves of characters are kept. For what models
    /// write.
    ///
    /// @throws JsonException if Python refuses it too
    public static Object parseAsPython(String text) {
        return new JsonParser(text, true).document();
    }

    /// `value` as Python's `repr` writes it: `{'error': "can't"}`.
    public static String writeAsPython(Object value) {
        return PythonText.repr(value);
    }

    /// A value, and one past its last character.
    public record First(Object value, int end) {}

    /// The value that begins at a place of a text, read as [#parseAsPython] does; anything may
    /// follow it.
    ///
    /// @throws JsonException if no value begins there, or it is damaged
    public static First parseFirst(String text, int start) {
        return new JsonParser(text, true).first(start);
    }

    /// JSON that has bytes in UTF-8: halves of characters, which a model or a program may write as
    /// `\ud83d` and which have none, become such escapes again. In names, where readers refuse
    /// these, they become U+FFFD.
    public static String inUtf8(String json) {
        if (StandardCharsets.UTF_8.newEncoder().canEncode(json)) {
            return json;
        }
        return TEXT.matcher(json)
                .replaceAll(
                        text -> {
                            boolean isName = text.group(1) != null;
                            return Matcher.quoteReplacement(
                                    HALF.matcher(text.group())
                                            .replaceAll(half -> isName ? "\ufffd" : escape(half)));
                        });
    }

    private static String escape(MatchResult half) {
        return "\\\\u%04x".formatted((int) half.group().charAt(0));
    }

    /// `value` as Python's `json.dumps(value, ensure_ascii=False)` writes it, which is what chat
    /// templates' `tojson` gives: `{"a": 1, "b": [true, null]}`.
    ///
    /// @throws IllegalArgumentException if something in `value` has no JSON form
    public static String write(Object value) {
        try {
            return JsonText.dumps(value);
        } catch (JinjaException e) {
            throw new IllegalArgumentException("can't be written as JSON: " + e.problem(), e);
        }
    }
}
