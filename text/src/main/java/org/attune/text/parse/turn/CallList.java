package org.attune.text.parse.turn;

import org.attune.json.Json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// Reads calls with named arguments in Python's writing: `[weather(city="Oslo", days=3)]`. Names,
/// numbers, strings, lists and dictionaries are read; nothing is evaluated.
public final class CallList {
    private static final int MAX_DEPTH = 100;
    private static final long MAX_INTEGER = (1L << 53) - 1;

    private final String text;
    private final Grammar grammar;
    private int at;

    /// Reads by the grammar that Hugging Face's parser has.
    public CallList(String text) {
        this(text, Grammar.STRICT);
    }

    public CallList(String text, Grammar grammar) {
        this.text = text;
        this.grammar = grammar;
    }

    /// What is taken.
    public enum Grammar {
        /// What Hugging Face's grammar allows.
        STRICT,
        /// What the strict grammar allows, and also integers of any size, unknown escapes, line
        /// breaks in strings, a comma at the end of a list.
        LENIENT,
        /// Strings have no escapes, and a quote ends one only where a value may end. So write chat
        /// templates that don't escape what they put between quotes.
        UNESCAPED
    }

    /// The one value that the text holds.
    ///
    /// @throws UnreadableException if it holds anything else
    public Object value() {
        Object value = value(0);
        requireEnd();
        return value;
    }

    /// Calls from the text's beginning on, with or without brackets around them. What follows them
    /// begins at [#end].
    ///
    /// @throws UnreadableException if there is something else
    public List<Object> firstCalls() {
        if (is('[')) {
            at++;
            return items(']', this::call);
        }
        var calls = new ArrayList<>();
        do {
            calls.add(call());
            if (is(',') || is(';')) {
                at++;
            }
            skipSpace();
        } while (at < text.length() && isNameStart(text.charAt(at)));
        return calls;
    }

    /// Where reading has come to.
    public int end() {
        return at;
    }

    /// The calls, each an object with `name` and `arguments`.
    ///
    /// @throws UnreadableException if `text` holds anything else
    public List<Object> calls() {
        expect('[');
        List<Object> calls = items(']', this::call);
        requireEnd();
        return calls;
    }

    private void requireEnd() {
        skipSpace();
        if (at < text.length()) {
            throw problem("something follows the end");
        }
    }

    private Object call() {
        String name = name("the name of a function");
        expect('(');
        var call = new LinkedHashMap<String, Object>();
        call.put("name", name);
        call.put("arguments", unique(items(')', this::argument)));
        return call;
    }

    private Map.Entry<String, Object> argument() {
        String key = name("the name of an argument");
        expect('=');
        return pair(key, value(0));
    }

    /// An entry whose value may be null.
    private static Map.Entry<String, Object> pair(String key, Object value) {
        return new java.util.AbstractMap.SimpleImmutableEntry<>(key, value);
    }

    private Map<String, Object> unique(List<Map.Entry<String, Object>> pairs) {
        var result = new LinkedHashMap<String, Object>();
        for (Map.Entry<String, Object> pair : pairs) {
            if (result.containsKey(pair.getKey())) {
                throw problem("\"" + pair.getKey() + "\" is given twice");
            }
            result.put(pair.getKey(), pair.getValue());
        }
        return result;
    }

    private <T> List<T> items(char end, Supplier<T> item) {
        var result = new ArrayList<T>();
        if (is(end)) {
            at++;
            return result;
        }
        while (true) {
            result.add(item.get());
            if (grammar != Grammar.STRICT && is(',')) {
                at++;
                if (!is(end)) {
                    continue;
                }
            }
            if (is(end)) {
                at++;
                return result;
            }
            expect(',');
        }
    }

    private Object value(int depth) {
        skipSpace();
        char c = at < text.length() ? text.charAt(at) : 0;
        if (c == '\'' || c == '"') {
            return string();
        }
        if (c == '[' || c == '{') {
            if (depth >= MAX_DEPTH) {
                throw problem("nested more than " + MAX_DEPTH + " levels deep");
            }
            at++;
            return c == '['
                    ? items(']', () -> value(depth + 1))
                    : unique(items('}', () -> entry(depth + 1)));
        }
        if (c == '-' || c >= '0' && c <= '9') {
            return number();
        }
        int start = at;
        String word = isNameStart(c) ? name("a value") : "";
        switch (word) {
            case "True", "true" -> {
                return true;
            }
            case "False", "false" -> {
                return false;
            }
            case "None", "null" -> {
                return null;
            }
            default -> {
                at = start;
                throw problem("a string, number, list, dict, True, False or None was expected");
            }
        }
    }

    private Map.Entry<String, Object> entry(int depth) {
        if (!is('\'') && !is('"')) {
            throw problem("keys must be strings");
        }
        String key = string();
        expect(':');
        return pair(key, value(depth));
    }

    private Object number() {
        int start = at;
        boolean isInteger = true;
        at += text.charAt(at) == '-' ? 1 : 0;
        if (at < text.length() && text.charAt(at) == '0') {
            at++;
        } else if (digits() == 0) {
            at = start;
            throw problem("a number was expected");
        }
        if (at + 1 < text.length() && text.charAt(at) == '.' && isDigit(at + 1)) {
            isInteger = false;
            at++;
            digits();
        }
        int exponent = at;
        if (at < text.length() && (text.charAt(at) | 0x20) == 'e') {
            at++;
            at += at < text.length() && "+-".indexOf(text.charAt(at)) >= 0 ? 1 : 0;
            if (digits() == 0) {
                at = exponent;
            } else {
                isInteger = false;
            }
        }
        String number = text.substring(start, at);
        return isInteger ? integer(number, start) : real(number, start);
    }

    private Object integer(String number, int start) {
        if (grammar != Grammar.STRICT) {
            return PythonRules.integer(number).orElseThrow(() -> problem("a number is too long"));
        }
        if (number.length() <= 17) {
            long value = Long.parseLong(number);
            if (Math.abs(value) <= MAX_INTEGER) {
                return value;
            }
        }
        at = start;
        throw problem("an integer is beyond ±(2^53 - 1)");
    }

    private Object real(String number, int start) {
        double value = Double.parseDouble(number);
        if (Double.isInfinite(value)) {
            at = start;
            throw problem("a number is too large");
        }
        return value;
    }

    private int digits() {
        int start = at;
        while (isDigit(at)) {
            at++;
        }
        return at - start;
    }

    private boolean isDigit(int index) {
        return index < text.length() && text.charAt(index) >= '0' && text.charAt(index) <= '9';
    }

    private String string() {
        int start = at;
        char quote = text.charAt(at++);
        var result = new StringBuilder();
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == quote && (grammar != Grammar.UNESCAPED || mayEnd())) {
                return checked(result.toString(), start);
            }
            if (grammar == Grammar.STRICT && (c == '\n' || c == '\r')) {
                break;
            }
            result.append(c == '\\' && grammar != Grammar.UNESCAPED ? escape(start) : c);
        }
        at = start;
        throw problem("a string doesn't end on its line");
    }

    /// Whether a value may have ended here.
    private boolean mayEnd() {
        int next = at;
        while (next < text.length() && text.charAt(next) == ' ') {
            next++;
        }
        return next == text.length() || ",)]}:".indexOf(text.charAt(next)) >= 0;
    }

    private char escape(int start) {
        char c = at < text.length() ? text.charAt(at++) : 0;
        int known = "\\'\"/bfnrt".indexOf(c);
        if (known >= 0) {
            return "\\'\"/\b\f\n\r\t".charAt(known);
        }
        if (c == 'u' && at + 4 <= text.length()) {
            String digits = text.substring(at, at + 4);
            if (digits.matches("[0-9a-fA-F]{4}")) {
                at += 4;
                return (char) Integer.parseInt(digits, 16);
            }
        }
        if (grammar != Grammar.STRICT && c != 0) {
            at--;
            return '\\';
        }
        at = start;
        throw problem("unknown escape \\" + (c == 0 ? "" : c) + " in a string");
    }

    private String checked(String string, int start) {
        int i = 0;
        while (i < string.length()) {
            int c = string.codePointAt(i);
            if (c >= 0xd800 && c <= 0xdfff) {
                at = start;
                throw problem("half a character in a string");
            }
            i += Character.charCount(c);
        }
        return string;
    }

    /// Letters, digits and `_`, with single `-` and `.` between them.
    private String name(String what) {
        skipSpace();
        int start = at;
        if (at >= text.length() || !isNameStart(text.charAt(at))) {
            throw problem(what + " was expected");
        }
        while (at < text.length() && isNamePart(at)) {
            at++;
        }
        return text.substring(start, at);
    }

    private static boolean isNameStart(char c) {
        return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
    }

    private boolean isNamePart(int index) {
        char c = text.charAt(index);
        boolean joins = c == '-' || c == '.';
        return isWord(index) || joins && isWord(index + 1);
    }

    private boolean isWord(int index) {
        return index < text.length() && (isNameStart(text.charAt(index)) || isDigit(index));
    }

    private void expect(char c) {
        if (!is(c)) {
            throw problem("'" + c + "' was expected");
        }
        at++;
    }

    private boolean is(char c) {
        skipSpace();
        return at < text.length() && text.charAt(at) == c;
    }

    private void skipSpace() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private UnreadableException problem(String problem) {
        String rest = text.substring(at, Math.min(text.length(), at + 20));
        return new UnreadableException(problem + " at " + Json.write(rest));
    }
}
