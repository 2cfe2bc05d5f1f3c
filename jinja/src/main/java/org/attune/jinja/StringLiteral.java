package org.attune.jinja;

import java.util.Locale;

/// Escapes in string literals, as Python reads them.
final class StringLiteral {
    private static final String IDEOGRAPH = "CJK UNIFIED IDEOGRAPH-";

    private StringLiteral() {}

    static String unescape(String body, int line) {
        if (body.indexOf('\\') < 0) {
            return body;
        }
        var out = new StringBuilder(body.length());
        int i = 0;
        while (i < body.length()) {
            char c = body.charAt(i);
            if (c != '\\' || i + 1 == body.length()) {
                out.append(c);
                i++;
                continue;
            }
            char kind = body.charAt(i + 1);
            switch (kind) {
                case 'x' -> i = hexadecimal(body, i, 2, out, line);
                case 'u' -> i = hexadecimal(body, i, 4, out, line);
                case 'U' -> i = hexadecimal(body, i, 8, out, line);
                case 'N' -> i = named(body, i, out, line);
                case '0', '1', '2', '3', '4', '5', '6', '7' -> i = octal(body, i, out);
                default -> {
                    simple(kind, out);
                    i += 2;
                }
            }
        }
        return out.toString();
    }

    private static void simple(char kind, StringBuilder out) {
        switch (kind) {
            case '\n' -> {} // a line break after a backslash joins the lines
            case 'n' -> out.append('\n');
            case 't' -> out.append('\t');
            case 'r' -> out.append('\r');
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'a' -> out.append((char) 7);
            case 'v' -> out.append((char) 11);
            case '\\', '\'', '"' -> out.append(kind);
            default -> out.append('\\').append(kind); // Python keeps what it doesn't know
        }
    }

    private static int hexadecimal(String body, int at, int digits, StringBuilder out, int line) {
        int end = at + 2 + digits;
        try {
            int code = Integer.parseUnsignedInt(body.substring(at + 2, end), 16);
            out.appendCodePoint(code);
            return end;
        } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
            throw JinjaException.syntax(
                    "truncated or invalid \\" + body.charAt(at + 1) + " escape in a string", line);
        }
    }

    private static int named(String body, int at, StringBuilder out, int line) {
        int end = body.indexOf('}', at);
        if (!body.startsWith("{", at + 2) || end <= at + 3) {
            throw JinjaException.syntax("malformed \\N character escape", line);
        }
        String name = body.substring(at + 3, end);
        try {
            out.appendCodePoint(codePoint(name));
        } catch (IllegalArgumentException e) {
            throw JinjaException.syntax("unknown Unicode character name", line);
        }
        return end + 1;
    }

    /// Java knows ideographs by the name of their block, as "CJK UNIFIED IDEOGRAPHS 4E00".
    private static int codePoint(String name) {
        String given = name.toUpperCase(Locale.ROOT);
        if (given.startsWith(IDEOGRAPH)) {
            int code = Integer.parseInt(given.substring(IDEOGRAPH.length()), 16);
            if (Character.isIdeographic(code)) {
                return code;
            }
            throw new IllegalArgumentException(name);
        }
        return Character.codePointOf(given);
    }

    private static int octal(String body, int at, StringBuilder out) {
        int end = at + 1;
        int code = 0;
        while (end < body.length()
                && end < at + 4
                && body.charAt(end) >= '0'
                && body.charAt(end) <= '7') {
            code = code * 8 + body.charAt(end++) - '0';
        }
        out.append((char) code);
        return end;
    }
}
