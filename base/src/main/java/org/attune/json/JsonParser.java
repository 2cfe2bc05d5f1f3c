package org.attune.json;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Recursive descent over one JSON text. Written by hand, because a data set's owner needs to know
/// what is wrong in which column. Training rows must not be repaired silently either (repeated
/// keys, lone surrogates).
final class JsonParser {
    /// Python converts no integer with more digits from text; nor do we, since it takes quadratic
    /// time.
    static final int MAX_INTEGER_DIGITS = 4300;

    private final String text;
    private final boolean asPython;
    private int at;
    private int depth;

    JsonParser(String text) {
        this(text, false);
    }

    /// @param asPython takes what Python's `json.loads` takes besides: `NaN`, `Infinity`, repeated
    ///     keys of which the last counts, halves of characters
    JsonParser(String text, boolean asPython) {
        this.text = text;
        this.asPython = asPython;
    }

    Object document() {
        skipSpace();
        if (at == text.length()) {
            throw problem("there is no value", at);
        }
        Object value = value();
        skipSpace();
        if (at < text.length()) {
            throw problem(
                    "more than one value: " + shown(at) + " follows the end of the first", at);
        }
        return value;
    }

    /// The value that begins at a place, whatever follows it.
    Json.First first(int start) {
        at = start;
        skipSpace();
        Object value = value();
        return new Json.First(value, at);
    }

    private Object value() {
        char first = peek();
        if (asPython && (first == 'N' || first == 'I' || text.startsWith("-I", at))) {
            return constant();
        }
        return switch (first) {
            case '{' -> object();
            case '[' -> array();
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", null);
            case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> number();
            case 'N', 'I' -> throw problem("NaN and Infinity are not JSON; write null", at);
            case '\'' -> throw problem("single quotes instead of double quotes", at);
            default -> throw problem("a value was expected, got " + shown(at), at);
        };
    }

    private Object constant() {
        return switch (text.charAt(at)) {
            case 'N' -> word("NaN", Double.NaN);
            case '-' -> word("-Infinity", Double.NEGATIVE_INFINITY);
            default -> word("Infinity", Double.POSITIVE_INFINITY);
        };
    }

    private Map<String, Object> object() {
        enter();
        var result = new LinkedHashMap<String, Object>();
        at++;
        skipSpace();
        if (peek() == '}') {
            leave();
            return result;
        }
        while (true) {
            int keyAt = at;
            String key = key();
            skipSpace();
            if (peek() != ':') {
                throw problem("':' was expected after a key, got " + shown(at), at);
            }
            at++;
            skipSpace();
            if (!asPython && result.containsKey(key)) {
                throw problem("key \"" + key + "\" occurs twice", keyAt);
            }
            result.put(key, value());
            if (!more('}')) {
                return result;
            }
        }
    }

    private String key() {
        char c = peek();
        if (c == '"') {
            return string();
        }
        if (c == '\'') {
            throw problem("single quotes instead of double quotes", at);
        }
        throw problem(
                c == '}'
                        ? "trailing comma"
                        : "a key in double quotes was expected, got " + shown(at),
                at);
    }

    private List<Object> array() {
        enter();
        var result = new ArrayList<>();
        at++;
        skipSpace();
        if (peek() == ']') {
            leave();
            return result;
        }
        while (true) {
            if (peek() == ']') {
                throw problem("trailing comma", at);
            }
            result.add(value());
            if (!more(']')) {
                return result;
            }
        }
    }

    /// Steps over `,` and says true, or over `end` and says false.
    private boolean more(char end) {
        skipSpace();
        char c = peek();
        if (c == end) {
            leave();
            return false;
        }
        if (c != ',') {
            throw problem("',' or '" + end + "' was expected, got " + shown(at), at);
        }
        at++;
        skipSpace();
        return true;
    }

    private void enter() {
        if (++depth > Json.MAX_DEPTH) {
            throw problem("nested too deeply, more than " + Json.MAX_DEPTH + " levels", at);
        }
    }

    private void leave() {
        depth--;
        at++;
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw problem("a value was expected, got " + shown(at), at);
        }
        at += word.length();
        return value;
    }

    private Object number() {
        int start = at;
        if (text.charAt(at) == '-') {
            at++;
        }
        if (at < text.length() && text.charAt(at) == '0') {
            at++;
        } else if (digits() == 0) {
            throw problem("a digit was expected after '-'", at);
        }
        boolean integer = true;
        if (at < text.length() && text.charAt(at) == '.') {
            integer = false;
            at++;
            if (digits() == 0) {
                throw problem("a digit was expected after the decimal point", at);
            }
        }
        if (at < text.length() && (text.charAt(at) | 0x20) == 'e') {
            integer = false;
            at++;
            if (at < text.length() && (text.charAt(at) == '+' || text.charAt(at) == '-')) {
                at++;
            }
            if (digits() == 0) {
                throw problem("a digit was expected in the exponent", at);
            }
        }
        String number = text.substring(start, at);
        return integer ? integer(number, start) : (Object) Double.valueOf(number);
    }

    private Object integer(String digits, int start) {
        if (digits.length() <= 18) {
            return Long.parseLong(digits);
        }
        if (digits.length() > MAX_INTEGER_DIGITS) {
            throw problem("an integer of more than " + MAX_INTEGER_DIGITS + " digits", start);
        }
        var value = new BigInteger(digits);
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }

    private int digits() {
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        return at - start;
    }

    private String string() {
        int start = at++;
        int plain = at;
        StringBuilder built = null;
        while (true) {
            if (at == text.length()) {
                throw problem("unterminated string", start);
            }
            char c = text.charAt(at);
            if (c == '"') {
                String last = text.substring(plain, at++);
                String result = built == null ? last : built.append(last).toString();
                if (!asPython) {
                    requireCharacters(result, start);
                }
                return result;
            }
            if (c == '\\') {
                built = built == null ? new StringBuilder() : built;
                built.append(text, plain, at);
                built.append(escape(start));
                plain = at;
            } else if (c < ' ') {
                throw problem(controlCharacter(c), at);
            } else {
                at++;
            }
        }
    }

    private static String controlCharacter(char c) {
        String what = "U+%04X".formatted((int) c);
        return switch (c) {
            case '\n', '\r' -> "line break inside a string (" + what + "); write \\n";
            case '\t' -> "unescaped control character (tab) in a string; write \\t";
            default -> "unescaped control character " + what + " in a string";
        };
    }

    private char escape(int start) {
        if (at + 1 == text.length()) {
            throw problem("unterminated string", start);
        }
        char c = text.charAt(at + 1);
        at += 2;
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> hexadecimal();
            default -> throw problem("unknown escape \\" + c + " in a string", at - 2);
        };
    }

    private char hexadecimal() {
        int value = 0;
        for (int i = 0; i < 4; i++, at++) {
            int digit = at < text.length() ? Character.digit(text.charAt(at), 16) : -1;
            if (digit < 0 || text.charAt(at) > 'f') {
                throw problem("four hexadecimal digits were expected after \\u", at);
            }
            value = value << 4 | digit;
        }
        return (char) value;
    }

    /// Half a character can be neither encoded nor tokenized.
    private void requireCharacters(String value, int start) {
        int i = 0;
        while (i < value.length()) {
            int c = value.codePointAt(i);
            if (c <= Character.MAX_VALUE && Character.isSurrogate((char) c)) {
                throw problem("lone surrogate \\u%04x, not a character".formatted(c), start);
            }
            i += Character.charCount(c);
        }
    }

    private void skipSpace() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() {
        if (at == text.length()) {
            throw problem("the text ends inside a value", at);
        }
        return text.charAt(at);
    }

    private String shown(int position) {
        if (position >= text.length()) {
            return "the end of the text";
        }
        int c = text.codePointAt(position);
        String name = "U+%04X".formatted(c);
        return c > ' ' && c != 0x7f ? "'" + Character.toString(c) + "'" : name;
    }

    private JsonException problem(String problem, int position) {
        int lineStart = text.lastIndexOf('\n', position - 1) + 1;
        int line = 1 + (int) text.substring(0, lineStart).chars().filter(c -> c == '\n').count();
        return new JsonException(
                problem, line, 1 + text.codePointCount(lineStart, Math.max(lineStart, position)));
    }
}
