package org.attune.auto;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads lists and dictionaries as Python prints them, which pandas writes into CSV files:
/// `[{'role': 'user', 'content': "it's"}]`.
final class PythonLiteral {
    private static final int DEEPEST = 50;

    private final String text;
    private int at;
    private int depth;

    private PythonLiteral(String text) {
        this.text = text;
    }

    /// The value, if the text is one and nothing follows.
    static Optional<Object> parse(String text) {
        var parser = new PythonLiteral(text.strip());
        try {
            Object value = parser.value();
            parser.skip();
            return parser.at == parser.text.length()
                    ? Optional.ofNullable(value)
                    : Optional.empty();
        } catch (IllegalArgumentException | StringIndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    private Object value() {
        skip();
        char c = text.charAt(at);
        if (++depth > DEEPEST) {
            throw new IllegalArgumentException("too deep");
        }
        Object value =
                switch (c) {
                    case '[', '(' -> list(c == '[' ? ']' : ')');
                    case '{' -> map();
                    case '\'', '"' -> string();
                    default -> word();
                };
        depth--;
        return value;
    }

    private List<Object> list(char end) {
        at++;
        List<Object> list = new ArrayList<>();
        skip();
        while (text.charAt(at) != end) {
            list.add(value());
            skip();
            // numpy prints no commas between objects
            if (text.charAt(at) == ',') {
                at++;
                skip();
            }
        }
        at++;
        return list;
    }

    private Map<String, Object> map() {
        at++;
        Map<String, Object> map = new LinkedHashMap<>();
        skip();
        while (text.charAt(at) != '}') {
            String key = String.valueOf(value());
            skip();
            if (text.charAt(at++) != ':') {
                throw new IllegalArgumentException("no colon");
            }
            map.put(key, value());
            skip();
            if (text.charAt(at) == ',') {
                at++;
                skip();
            }
        }
        at++;
        return map;
    }

    private String string() {
        char quote = text.charAt(at++);
        var out = new StringBuilder();
        while (text.charAt(at) != quote) {
            char c = text.charAt(at++);
            if (c == '\\') {
                escape(out);
            } else {
                out.append(c);
            }
        }
        at++;
        return out.toString();
    }

    private void escape(StringBuilder out) {
        char c = text.charAt(at++);
        switch (c) {
            case 'n' -> out.append('\n');
            case 't' -> out.append('\t');
            case 'r' -> out.append('\r');
            case '\\', '\'', '"' -> out.append(c);
            case 'x' -> code(out, 2);
            case 'u' -> code(out, 4);
            case 'U' -> code(out, 8);
            default -> out.append('\\').append(c);
        }
    }

    private void code(StringBuilder out, int digits) {
        out.appendCodePoint(Integer.parseInt(text.substring(at, at + digits), 16));
        at += digits;
    }

    private Object word() {
        int start = at;
        while (at < text.length()
                && (Character.isLetterOrDigit(text.charAt(at))
                        || "+-._".indexOf(text.charAt(at)) >= 0)) {
            at++;
        }
        String word = text.substring(start, at);
        return switch (word) {
            case "None" -> null;
            case "True" -> true;
            case "False" -> false;
            default -> Double.valueOf(word);
        };
    }

    private void skip() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }
}
