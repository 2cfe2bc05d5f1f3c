package org.attune.text.parse.turn;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Pattern;

/// Text as Python's built-in functions read it. Declared parsers are specified by them.
public final class PythonRules {
    /// Python converts no integer of more digits.
    private static final int MAX_DIGITS = 4300;

    private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9]+(?:_[0-9]+)*+");
    private static final Pattern FLOAT =
            Pattern.compile(
                    "[+-]?(?:[0-9]+(?:_[0-9]+)*+(?:\\.(?:[0-9]+(?:_[0-9]+)*+)?)?"
                            + "|\\.[0-9]+(?:_[0-9]+)*+)(?:[eE][+-]?[0-9]+(?:_[0-9]+)*+)?");
    private static final Pattern INFINITE = Pattern.compile("[+-]?(?i:inf|infinity)");
    private static final Pattern NOT_A_NUMBER = Pattern.compile("[+-]?(?i:nan)");

    private PythonRules() {}

    /// Whether `str.isspace` says so.
    public static boolean isSpace(char c) {
        return c == ' '
                || c >= 0x09 && c <= 0x0d
                || c >= 0x1c && c <= 0x1f
                || c == 0x85
                || c == 0xa0
                || c == 0x1680
                || c >= 0x2000 && c <= 0x200a
                || c == 0x2028
                || c == 0x2029
                || c == 0x202f
                || c == 0x205f
                || c == 0x3000;
    }

    /// The first place from `start` on that is no white space, or the text's end.
    public static int skipSpace(String text, int start) {
        int at = start;
        while (at < text.length() && isSpace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    /// `str.strip`.
    public static String strip(String text) {
        int start = 0;
        int end = text.length();
        while (start < end && isSpace(text.charAt(start))) {
            start++;
        }
        while (end > start && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(start, end);
    }

    /// `int`: a `Long`, or a `BigInteger` beyond 64 bits; empty where Python raises.
    public static Optional<Object> integer(String text) {
        String plain = digits(strip(text));
        if (!INTEGER.matcher(plain).matches()) {
            return Optional.empty();
        }
        String digits = plain.replace("_", "");
        int count = digits.length() - (Character.isDigit(digits.charAt(0)) ? 0 : 1);
        return count > MAX_DIGITS ? Optional.empty() : Optional.of(narrow(new BigInteger(digits)));
    }

    /// `float`; empty where Python raises.
    public static OptionalDouble real(String text) {
        String plain = digits(strip(text));
        if (INFINITE.matcher(plain).matches()) {
            return OptionalDouble.of(
                    plain.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY);
        }
        if (NOT_A_NUMBER.matcher(plain).matches()) {
            return OptionalDouble.of(Double.NaN);
        }
        return FLOAT.matcher(plain).matches()
                ? OptionalDouble.of(Double.parseDouble(plain.replace("_", "")))
                : OptionalDouble.empty();
    }

    /// A whole number, exactly.
    public static Object whole(double number) {
        return narrow(new BigDecimal(number).toBigIntegerExact());
    }

    /// Whether `float.is_integer` says so.
    public static boolean isWhole(double number) {
        return !Double.isInfinite(number) && Math.rint(number) == number;
    }

    private static Object narrow(BigInteger value) {
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }

    /// Digits of all scripts are digits to Python.
    private static String digits(String text) {
        if (text.chars().allMatch(c -> c < 0x80)) {
            return text;
        }
        var plain = new StringBuilder();
        text.codePoints()
                .forEach(
                        c -> {
                            if (c >= 0x80
                                    && Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER) {
                                plain.append((char) ('0' + Character.digit(c, 10)));
                            } else {
                                plain.appendCodePoint(c);
                            }
                        });
        return plain.toString();
    }

    /// An object that may be changed without changing the other: `copy.deepcopy`.
    public static Map<String, Object> copy(Map<String, Object> object) {
        var copy = new LinkedHashMap<String, Object>();
        object.forEach((key, value) -> copy.put(key, copied(value)));
        return copy;
    }

    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    private static Object copied(Object value) {
        return switch (value) {
            case Map<?, ?> map -> copy((Map<String, Object>) map);
            case List<?> list -> {
                var copy = new ArrayList<>();
                list.forEach(item -> copy.add(copied(item)));
                yield copy;
            }
            case null, default -> value;
        };
    }

    /// What Python takes for true.
    public static boolean isTrue(Object value) {
        return switch (value) {
            case null -> false;
            case Boolean flag -> flag;
            case String text -> !text.isEmpty();
            case Number number -> number.doubleValue() != 0;
            case Collection<?> items -> !items.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            default -> true;
        };
    }

    /// A text without some others.
    public static String without(String text, Collection<String> others) {
        var result = new StringBuilder();
        int at = 0;
        while (at < text.length()) {
            int here = at;
            Optional<String> found =
                    others.stream().filter(other -> text.startsWith(other, here)).findFirst();
            if (found.isPresent() && !found.get().isEmpty()) {
                at += found.get().length();
            } else {
                result.append(text.charAt(at++));
            }
        }
        return result.toString();
    }
}
