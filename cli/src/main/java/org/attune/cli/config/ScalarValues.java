package org.attune.cli.config;

import org.attune.trainers.config.ConfigNames;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// The text of a scalar as a Java value. The key's type decides: `1e-4` without a dot is a number
/// where one is wanted, `no` is a strategy or false.
final class ScalarValues {
    private static final List<String> TRUE = List.of("true", "yes", "on", "t", "y", "1");
    private static final List<String> FALSE = List.of("false", "no", "off", "f", "n", "0");
    private static final Map<String, String> NUMBERS =
            Map.of(
                    ".inf",
                    "Infinity",
                    "inf",
                    "Infinity",
                    "-.inf",
                    "-Infinity",
                    "-inf",
                    "-Infinity",
                    ".nan",
                    "NaN",
                    "nan",
                    "NaN");

    private static final int LONGEST_NUMBER = 100;

    private ScalarValues() {}

    static boolean isScalar(Class<?> type) {
        return type == String.class
                || type == Path.class
                || type == Object.class
                || type == boolean.class
                || type == Boolean.class
                || type == int.class
                || type == Integer.class
                || type == long.class
                || type == Long.class
                || type == double.class
                || type == Double.class
                || type.isEnum();
    }

    static Object convert(Class<?> type, YamlNode node) throws BadValue {
        if (!(node instanceof YamlNode.Scalar scalar) || scalar.isNull()) {
            throw new BadValue(node, accepted(type));
        }
        try {
            return convert(type, scalar.text());
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new BadValue(node, accepted(type));
        }
    }

    private static Object convert(Class<?> type, String text) {
        if (type == String.class) {
            return text;
        }
        if (type == Path.class) {
            return Path.of(text);
        }
        if (type == Object.class) {
            return guess(text);
        }
        if (type == boolean.class || type == Boolean.class) {
            return bool(text);
        }
        if (type == int.class || type == Integer.class) {
            return whole(text).intValueExact();
        }
        if (type == long.class || type == Long.class) {
            return whole(text).longValueExact();
        }
        if (type == double.class || type == Double.class) {
            String lower = text.strip().toLowerCase(Locale.ROOT);
            return Double.valueOf(NUMBERS.getOrDefault(lower, lower));
        }
        return constant(type, text);
    }

    /// Python's files may have 500.0 or 1e3 where a whole number is meant.
    private static BigDecimal whole(String text) {
        if (text.length() > LONGEST_NUMBER) {
            throw new IllegalArgumentException(text);
        }
        var number = new BigDecimal(text.strip());
        if (number.scale() < -20 || number.precision() > 40) {
            throw new IllegalArgumentException(text);
        }
        return number;
    }

    private static Object constant(Class<?> type, String text) {
        // PyYAML reads a bare `no` as false, so TRL's files may say either.
        String wanted = text.equals("false") ? "no" : text.toLowerCase(Locale.ROOT);
        return constants(type).stream()
                .filter(c -> ConfigNames.wireName(c).equals(wanted))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(text));
    }

    private static boolean bool(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        if (TRUE.contains(lower) || FALSE.contains(lower)) {
            return TRUE.contains(lower);
        }
        throw new IllegalArgumentException(text);
    }

    private static Object guess(String text) {
        if (text.equals("true") || text.equals("false")) {
            return Boolean.valueOf(text);
        }
        try {
            return Long.valueOf(text);
        } catch (NumberFormatException notWhole) {
            try {
                return Double.valueOf(text);
            } catch (NumberFormatException notNumber) {
                return text;
            }
        }
    }

    static String accepted(Class<?> type) {
        if (type.isEnum()) {
            return constants(type).stream()
                    .map(ConfigNames::wireName)
                    .collect(Collectors.joining(", "));
        }
        return switch (type.getSimpleName()) {
            case "String" -> "text";
            case "Path" -> "a path";
            case "boolean", "Boolean" -> "true or false";
            case "int", "Integer", "long", "Long" -> "a whole number";
            case "double", "Double" -> "a number";
            default -> "a single value";
        };
    }

    private static List<Enum<?>> constants(Class<?> type) {
        return Arrays.stream(type.getEnumConstants()).<Enum<?>>map(c -> (Enum<?>) c).toList();
    }
}
