package org.attune.rollout.constraint;

import com.fasterxml.jackson.databind.JsonNode;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// How JSON spells texts and values, without blanks. Strings hold printable characters as they are
/// and control characters (U+007F too) escaped, in any form that JSON has for them.
final class JsonText {
    /// Control characters with an escape of two characters, then these.
    private static final String SHORT = "\b\t\n\f\r";

    private static final String LETTERS = "btnfr";
    private static final int DELETE = 0x7f;

    private final Grammar grammar;
    private final Map<BitSet, Expr> spelled = new HashMap<>();
    final Expr quote;

    private final boolean escapesAll;

    JsonText(Grammar grammar) {
        this(grammar, false);
    }

    /// @param escapesAll whether printable characters may be escaped too
    JsonText(Grammar grammar, boolean escapesAll) {
        this.grammar = grammar;
        this.escapesAll = escapesAll;
        quote = grammar.text("\"");
    }

    /// One character of a set, inside a string.
    Expr character(BitSet set) {
        return spelled.computeIfAbsent(set, this::spell);
    }

    private Expr spell(BitSet set) {
        var printable = (BitSet) set.clone();
        printable.clear(0, ' ');
        printable.clear('"');
        printable.clear('\\');
        printable.clear(DELETE);
        var escaped = new ArrayList<Expr>();
        for (int c = set.nextSetBit(0); c >= 0 && c <= DELETE; c = set.nextSetBit(c + 1)) {
            if (c == '"' || c == '\\') {
                escaped.add(grammar.text(String.valueOf((char) c)));
            } else if (c < ' ' || c == DELETE) {
                escaped.add(control(c));
            }
        }
        if (escapesAll) {
            escaped.add(new HexEscape(grammar).oneOf(set));
        }
        Expr escapes = grammar.chain(grammar.text("\\"), grammar.anyOf(escaped));
        return grammar.anyOf(List.of(Utf8.oneOf(grammar, printable), escapes));
    }

    private Expr control(int c) {
        var low = new BitSet();
        low.set(Character.forDigit(c & 15, 16));
        low.set(Character.toUpperCase(Character.forDigit(c & 15, 16)));
        Expr hex =
                grammar.chain(
                        grammar.text("u00" + Character.forDigit(c >> 4, 16)), grammar.bytes(low));
        int letter = SHORT.indexOf(c);
        return letter < 0
                ? hex
                : grammar.anyOf(List.of(hex, grammar.text(LETTERS.substring(letter, letter + 1))));
    }

    /// Any characters of a string.
    Expr characters(int min, int max) {
        return grammar.repeat(character(CodePoints.all()), min, max);
    }

    /// The characters of a text, without quotes.
    Expr content(String text) {
        return grammar.chain(
                text.codePoints().mapToObj(c -> character(CodePoints.of(c))).toArray(Expr[]::new));
    }

    /// A string with this content. Content and closing quote end together.
    Expr string(Expr content) {
        return grammar.chain(quote, grammar.chain(content, quote));
    }

    /// A key in its shortest form.
    Expr key(String text) {
        var spelled = new StringBuilder("\"");
        text.codePoints()
                .forEach(
                        c -> {
                            int letter = SHORT.indexOf(c);
                            if (letter >= 0) {
                                spelled.append('\\').append(LETTERS.charAt(letter));
                            } else if (c == '"' || c == '\\') {
                                spelled.append('\\').appendCodePoint(c);
                            } else if (c < ' ') {
                                spelled.append("\\u%04x".formatted(c));
                            } else {
                                spelled.appendCodePoint(c);
                            }
                        });
        return grammar.text(spelled.append('"').toString());
    }

    /// A value, its numbers without exponents and its keys in the order given.
    Expr value(JsonNode value) {
        if (value.isTextual()) {
            return string(content(value.textValue()));
        }
        if (value.isNumber()) {
            return grammar.text(number(value));
        }
        if (!value.isContainerNode()) {
            return grammar.text(value.asText());
        }
        var parts = new ArrayList<Expr>();
        parts.add(grammar.text(value.isArray() ? "[" : "{"));
        String between = "";
        for (JsonNode each : value.isArray() ? value : List.<JsonNode>of()) {
            parts.add(grammar.text(between));
            parts.add(value(each));
            between = ",";
        }
        for (Map.Entry<String, JsonNode> each : value.properties()) {
            parts.add(grammar.text(between));
            parts.add(key(each.getKey()));
            parts.add(grammar.text(":"));
            parts.add(value(each.getValue()));
            between = ",";
        }
        parts.add(grammar.text(value.isArray() ? "]" : "}"));
        return grammar.chain(parts.toArray(Expr[]::new));
    }

    private static String number(JsonNode value) {
        boolean negativeZero =
                value.isFloatingPointNumber()
                        && 1 / value.doubleValue() < 0
                        && value.decimalValue().signum() == 0;
        BigDecimal decimal = value.decimalValue();
        if (decimal.signum() == 0) {
            return negativeZero ? "-0" : "0";
        }
        return decimal.stripTrailingZeros().toPlainString();
    }
}
