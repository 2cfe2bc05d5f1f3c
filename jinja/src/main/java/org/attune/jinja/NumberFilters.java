package org.attune.jinja;

import org.attune.jinja.Builtin.Call;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Pattern;

/// Filters that make numbers, and one that prints them.
final class NumberFilters {
    private static final Pattern FLOAT =
            Pattern.compile("[-+]?(?:\\d++\\.?+\\d*+|\\.\\d++)(?:e[-+]?+\\d++)?+");

    private NumberFilters() {}

    static void register(Filters.Registry filters) {
        filters.define(
                "abs",
                "x",
                c -> JinjaNumbers.absolute(number(c.get(0), "bad operand type for abs(): '%s'")));
        filters.define("int", "value default? base?", NumberFilters::toInt);
        filters.define("float", "value default?", NumberFilters::toFloat);
        filters.define("round", "value precision? method?", NumberFilters::round);
        filters.define("filesizeformat", "value binary?", NumberFilters::fileSize);
    }

    /// @param problem where it isn't a number, with a place for the name of its type
    private static Object number(Object value, String problem) {
        if (!Types.isNumber(value)) {
            throw JinjaException.type(problem.formatted(Types.name(value)));
        }
        return value;
    }

    private static Object defined(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
        return value;
    }

    private static Object toInt(Call c) {
        Object value = defined(c.get(0));
        Budget.charge(value instanceof Double ? PercentFormat.DECIMAL / 8 : 0);
        Object ifNone = c.get(1, 0L);
        if (Types.isInteger(value)) {
            return JinjaNumbers.normal(JinjaNumbers.big(value));
        }
        if (value instanceof Double d) {
            return whole(d, ifNone);
        }
        if (!Types.isString(value)) {
            return ifNone;
        }
        String text = Strings.strip(c.soft(0));
        Object base = c.get(2, 10L);
        if (!Types.isInteger(base) && !(base instanceof Boolean)) {
            return real(text) instanceof Double d ? whole(d, ifNone) : ifNone;
        }
        try {
            return parse(text, (int) c.integer(2, 10));
        } catch (NumberFormatException e) {
            return real(text) instanceof Double d ? whole(d, ifNone) : ifNone;
        }
    }

    private static Object whole(double value, Object ifNone) {
        return Double.isNaN(value) || Double.isInfinite(value)
                ? ifNone
                : JinjaNumbers.normal(new BigDecimal(value).toBigInteger());
    }

    private static Object parse(String text, int base) {
        if (text.length() > Limits.INTEGER_DIGITS) {
            throw new NumberFormatException("too long");
        }
        // The product of the length with itself, as reading digits takes.
        Budget.charge((long) text.length() * text.length() / 2048);
        String sign = text.startsWith("-") || text.startsWith("+") ? text.substring(0, 1) : "";
        String digits = text.substring(sign.length()).toLowerCase(Locale.ROOT).replace("_", "");
        String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : "";
        if (!prefix.isEmpty() && digits.startsWith(prefix)) {
            digits = digits.substring(2);
        }
        if (digits.startsWith("-") || digits.startsWith("+")) {
            throw new NumberFormatException(text);
        }
        return JinjaNumbers.normal(new BigInteger(sign + digits, base));
    }

    /// The text as float, or null.
    private static Object real(String text) {
        Budget.slowCharacters(2.0 * text.length());
        String plain = text.toLowerCase(Locale.ROOT).replace("_", "");
        return switch (plain.startsWith("+") ? plain.substring(1) : plain) {
            case "inf", "infinity" -> Double.POSITIVE_INFINITY;
            case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
            case "nan", "-nan" -> Double.NaN;
            default -> FLOAT.matcher(plain).matches() ? Double.valueOf(plain) : null;
        };
    }

    private static Object toFloat(Call c) {
        Object value = defined(c.get(0));
        if (Types.isNumber(value)) {
            return JinjaNumbers.real(value);
        }
        Object parsed = Types.isString(value) ? real(Strings.strip(c.soft(0))) : null;
        return parsed == null ? c.get(1, 0.0) : parsed;
    }

    private static Object round(Call c) {
        RoundingMode mode =
                switch (c.get(2, "common") instanceof String method ? method : "") {
                    case "common" -> RoundingMode.HALF_EVEN;
                    case "ceil" -> RoundingMode.CEILING;
                    case "floor" -> RoundingMode.FLOOR;
                    default -> throw JinjaException.value("method must be common, ceil or floor");
                };
        Object value = number(c.get(0), "type %s doesn't define __round__ method");
        Budget.charge(PercentFormat.DECIMAL);
        int precision = Math.clamp(c.integer(1, 0), -400, 400);
        if (mode != RoundingMode.HALF_EVEN) {
            double scale = Math.pow(10, precision);
            double scaled = JinjaNumbers.real(value) * scale;
            return (mode == RoundingMode.CEILING ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
        }
        if (value instanceof Double d) {
            return Double.isNaN(d) || Double.isInfinite(d)
                    ? d
                    : (Object) new BigDecimal(d).setScale(precision, mode).doubleValue();
        }
        BigDecimal rounded =
                new BigDecimal(JinjaNumbers.big(value)).setScale(Math.min(precision, 0), mode);
        return JinjaNumbers.normal(rounded.toBigInteger());
    }

    private static Object fileSize(Call c) {
        defined(c.get(0));
        Object value = Types.isString(c.get(0)) ? real(Strings.strip(c.soft(0))) : c.get(0);
        if (value == null && Types.isString(c.get(0))) {
            throw JinjaException.value("could not convert string to float: " + Repr.of(c.soft(0)));
        }
        double bytes =
                JinjaNumbers.real(
                        number(
                                value,
                                "float() argument must be a string or a real number, not '%s'"));
        boolean binary = c.truth(1, false);
        int base = binary ? 1024 : 1000;
        if (bytes == 1) {
            return "1 Byte";
        }
        if (bytes < base) {
            return (long) bytes + " Bytes";
        }
        String prefixes = binary ? "KMGTPEZY" : "kMGTPEZY";
        int power = 1;
        while (power < prefixes.length() && bytes >= Math.pow(base, power + 1)) {
            power++;
        }
        String unit = prefixes.charAt(power - 1) + (binary ? "iB" : "B");
        return PercentFormat.fixed(bytes / Math.pow(base, power), 1) + " " + unit;
    }
}
