package org.attune.agents.table;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;

/// Compares, adds and shows values of a table.
final class Values {
    private Values() {}

    /// Null first, then truth values, numbers, texts. Texts are compared without regard to case.
    static int compare(Object a, Object b) {
        if (a instanceof Number x && b instanceof Number y) {
            return x instanceof Long l && y instanceof Long m
                    ? l.compareTo(m)
                    : Double.compare(x.doubleValue(), y.doubleValue());
        }
        if (a instanceof String x && b instanceof String y) {
            return x.compareToIgnoreCase(y);
        }
        if (a instanceof Boolean x && b instanceof Boolean y) {
            return x.compareTo(y);
        }
        return Integer.compare(rank(a), rank(b));
    }

    private static int rank(Object value) {
        return switch (value) {
            case null -> 0;
            case Boolean _ -> 1;
            case Number _ -> 2;
            default -> 3;
        };
    }

    /// Whether both are there and can be compared.
    static boolean areComparable(Object a, Object b) {
        return a != null && b != null && rank(a) == rank(b);
    }

    /// Exact for whole numbers that fit.
    ///
    /// @throws IllegalArgumentException if a value is no number
    static Number sum(List<Object> values) {
        BigDecimal sum = BigDecimal.ZERO;
        boolean isWhole = true;
        for (Object value : values) {
            if (!(value instanceof Number number)) {
                throw new IllegalArgumentException(
                        "sum and avg need numbers, and a value is \"%s\"".formatted(value));
            }
            sum = sum.add(new BigDecimal(number.toString()));
            isWhole &= number instanceof Long;
        }
        if (isWhole && sum.toBigInteger().bitLength() < Long.SIZE) {
            return sum.longValue();
        }
        return sum.doubleValue();
    }

    static String shown(Object value) {
        return switch (value) {
            case null -> "null";
            case Double d when d == Math.rint(d) && Math.abs(d) < 1e15 ->
                    String.valueOf(d.longValue());
            case Double d ->
                    new BigDecimal(String.format(Locale.ROOT, "%.10g", d))
                            .stripTrailingZeros()
                            .toPlainString();
            default -> String.valueOf(value);
        };
    }
}
