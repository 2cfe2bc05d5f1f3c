package org.attune.jinja;

/// Escapes in string literals, as Python reads them.
final class StringLiteral {
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
                case 'N' -> throw JinjaException.syntax("\\N{…} escapes aren't supported", line);
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
