package org.attune.agents.calculator;

import org.attune.error.Excerpt;
import org.attune.error.Spelling;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Computes the value of an arithmetic expression: `+ - * / // % ^ ** !`, parentheses, decimals,
/// functions and the constants `pi` and `e`. `//` and `%` round towards negative infinity, as in
/// Python; `-2^2` is -4.
final class Expression {
    private static final int LONGEST = 2000;
    private static final int DEEPEST = 100;
    private static final int MOST_DIGITS = 400;
    private static final Map<Character, String> SIGNS =
            Map.of('×', "*", '·', "*", '÷', "/", '−', "-", '–', "-", '√', "sqrt");

    private final String text;
    private int at;
    private int depth;

    private Expression(String text) {
        this.text = text;
    }

    /// @throws IllegalArgumentException if there is none, with a message for who wrote it
    static Value value(String expression) {
        if (expression.length() > LONGEST) {
            throw new IllegalArgumentException(
                    "an expression has at most %d characters, got %d"
                            .formatted(LONGEST, expression.length()));
        }
        var plain = new StringBuilder();
        for (char c : expression.toCharArray()) {
            plain.append(SIGNS.getOrDefault(c, String.valueOf(c)));
        }
        var reader = new Expression(plain.toString());
        Value value = reader.sum();
        if (reader.peek() != 0) {
            throw reader.unexpected();
        }
        return value;
    }

    private Value sum() {
        if (++depth > DEEPEST) {
            throw new IllegalArgumentException("more than %d levels deep".formatted(DEEPEST));
        }
        Value value = product();
        while (true) {
            if (skip("+")) {
                value = value.plus(product());
            } else if (skip("-")) {
                value = value.minus(product());
            } else {
                depth--;
                return value;
            }
        }
    }

    private Value product() {
        Value value = signed();
        while (true) {
            if (skip("//")) {
                value = value.over(signed()).floor();
            } else if (skip("/")) {
                value = value.over(signed());
            } else if (skip("%")) {
                value = value.modulo(signed());
            } else if (!text.startsWith("**", at) && skip("*")) {
                value = value.times(signed());
            } else {
                return value;
            }
        }
    }

    private Value signed() {
        boolean isNegative = false;
        while (true) {
            if (skip("-")) {
                isNegative = !isNegative;
            } else if (!skip("+")) {
                Value value = power();
                return isNegative ? value.negated() : value;
            }
        }
    }

    private Value power() {
        Value base = atom();
        while (skip("!")) {
            base = Functions.factorial(base);
        }
        return skip("^") || skip("**") ? base.power(deeper()) : base;
    }

    /// An exponent: powers are read from the right.
    private Value deeper() {
        if (++depth > DEEPEST) {
            throw new IllegalArgumentException("more than %d levels deep".formatted(DEEPEST));
        }
        Value value = signed();
        depth--;
        return value;
    }

    private Value atom() {
        char c = peek();
        if (c >= '0' && c <= '9' || c == '.') {
            return number();
        }
        if (skip("(")) {
            Value value = sum();
            close();
            return value;
        }
        return Character.isLetter(c) ? named() : failed();
    }

    private Value failed() {
        throw unexpected();
    }

    private void close() {
        if (!skip(")")) {
            throw peek() == 0
                    ? new IllegalArgumentException("a \")\" is missing at the end")
                    : unexpected();
        }
    }

    private Value number() {
        int start = at;
        digits();
        if (at < text.length() && text.charAt(at) == '.') {
            at++;
            digits();
        }
        int end = at;
        if (at < text.length() && (text.charAt(at) | 0x20) == 'e') {
            at++;
            if (at < text.length() && "+-".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            int exponent = at;
            digits();
            end = at > exponent ? at : end;
            at = end;
        }
        try {
            var decimal = new BigDecimal(text.substring(start, end));
            if (Math.abs((long) decimal.scale()) <= MOST_DIGITS) {
                return Value.of(decimal);
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw new IllegalArgumentException(
                "\"%s\" is no number".formatted(Excerpt.of(text.substring(start, end))));
    }

    private void digits() {
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
    }

    private Value named() {
        int start = at;
        while (at < text.length() && Character.isLetterOrDigit(text.charAt(at))) {
            at++;
        }
        String name = text.substring(start, at).toLowerCase(Locale.ROOT);
        if (Functions.ALL.containsKey(name) && skip("(")) {
            List<Value> values = new ArrayList<>();
            if (peek() != ')') {
                do {
                    values.add(sum());
                } while (skip(","));
            }
            close();
            return Functions.ALL.get(name).of(values);
        }
        if (Functions.CONSTANTS.containsKey(name)) {
            return Functions.CONSTANTS.get(name);
        }
        if (Functions.ALL.containsKey(name)) {
            throw new IllegalArgumentException("write %s(…)".formatted(name));
        }
        throw new IllegalArgumentException(
                "\"%s\" is unknown%s; there are %s, pi, e"
                        .formatted(
                                Excerpt.of(name),
                                Spelling.nearest(name, Functions.ALL.keySet())
                                        .map(near -> ", did you mean \"" + near + "\"?")
                                        .orElse(""),
                                String.join(", ", Functions.ALL.keySet())));
    }

    private boolean skip(String sign) {
        peek();
        if (!text.startsWith(sign, at)) {
            return false;
        }
        at += sign.length();
        return true;
    }

    /// The next character that is no space; 0 at the end.
    private char peek() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return at < text.length() ? text.charAt(at) : 0;
    }

    private IllegalArgumentException unexpected() {
        char c = peek();
        if (c == 0) {
            return new IllegalArgumentException(
                    text.isBlank()
                            ? "the expression is empty"
                            : "the expression \"%s\" ends too early".formatted(Excerpt.of(text)));
        }
        String advice =
                switch (c) {
                    case ',' -> "; write numbers without separators, as 1234.5";
                    case '(' -> "; write * to multiply";
                    case '=' -> "; write only what is to be computed";
                    default -> Character.isLetter(c) ? "; write * to multiply" : "";
                };
        return new IllegalArgumentException(
                "unexpected \"%s\" at character %d of \"%s\"%s"
                        .formatted(c, at + 1, Excerpt.of(text), advice));
    }
}
