package org.attune.jinja;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Recognises one token inside `{{ }}` or `{% %}`.
final class TokenScan {
    private static final Pattern FLOAT =
            Pattern.compile(
                    "(?<!\\.)(?:\\d+_)*+\\d++"
                            + "(?:(?:\\.(?:\\d+_)*+\\d++)?e[+-]?(?:\\d+_)*+\\d++"
                            + "|\\.(?:\\d+_)*+\\d++)",
                    Pattern.CASE_INSENSITIVE);
    private static final Pattern INTEGER =
            Pattern.compile(
                    "0b(?:_?[01])++|0o(?:_?[0-7])++|0x(?:_?[\\da-f])++|[1-9](?:_?\\d)*+|0(?:_?0)*+",
                    Pattern.CASE_INSENSITIVE);
    private static final List<String> OPERATORS =
            List.of(
                    "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "[", "]", "(", ")",
                    "{", "}", ">", "<", "=", ".", ":", "|", ",", ";", "~");

    private final String source;
    private final int start;
    private int end;
    private Token.Type type;

    TokenScan(String source, int start) {
        this.source = source;
        this.start = start;
    }

    int end() {
        return end;
    }

    boolean isNumber() {
        char c = source.charAt(start);
        if (c < '0' || c > '9') {
            return false;
        }
        return matches(FLOAT, Token.Type.FLOAT) || matches(INTEGER, Token.Type.INTEGER);
    }

    private boolean matches(Pattern pattern, Token.Type found) {
        Matcher matcher = pattern.matcher(source).region(start, source.length());
        matcher.useTransparentBounds(true);
        return matcher.lookingAt() && found(found, matcher.end());
    }

    private boolean found(Token.Type found, int foundEnd) {
        type = found;
        end = foundEnd;
        return true;
    }

    boolean isString() {
        char quote = source.charAt(start);
        if (quote != '\'' && quote != '"') {
            return false;
        }
        int i = start + 1;
        while (i < source.length()) {
            char c = source.charAt(i);
            if (c == quote) {
                return found(Token.Type.STRING, i + 1);
            }
            i += c == '\\' ? 2 : 1;
        }
        return false;
    }

    boolean isName() {
        int i = start;
        while (i < source.length()) {
            int c = source.codePointAt(i);
            boolean part = c == '_' || Character.isLetterOrDigit(c);
            if (!part && !(i > start && Character.isUnicodeIdentifierPart(c) && c > 0x7f)) {
                break;
            }
            i += Character.charCount(c);
        }
        return i > start && found(Token.Type.NAME, i);
    }

    boolean isOperator() {
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, start)) {
                return found(Token.Type.OPERATOR, start + operator.length());
            }
        }
        return false;
    }

    Token token(int line) {
        String text = source.substring(start, end);
        String value =
                switch (type) {
                    case STRING ->
                            StringLiteral.unescape(text.substring(1, text.length() - 1), line);
                    case INTEGER, FLOAT -> text.replace("_", "");
                    default -> text;
                };
        return new Token(type, value, line);
    }
}
