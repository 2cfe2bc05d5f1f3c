package org.attune.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Python's `text % values`.
final class PercentFormat {
    private static final Pattern FIELD =
            Pattern.compile(
                    "%(?:\\((?<key>[^)]{0,1000})\\))?(?<flags>[-+ #0]*)(?<width>\\*|\\d*)"
                            + "(?:\\.(?<precision>\\d*))?[hlL]?(?<type>.)",
                    Pattern.DOTALL);

    /// No double has more digits after the point, or more digits at all.
    private static final int FRACTION_DIGITS = 1100;

    /// What a double as a decimal number of all its digits costs.
    static final int DECIMAL = 64;

    private final Object values;
    private final Iterator<?> positional;
    private boolean usesKeys;

    private PercentFormat(Object values) {
        this.values = values;
        this.positional =
                values instanceof Tuple tuple
                        ? tuple.iterator()
                        : java.util.Collections.singletonList(values).iterator();
    }

    static String format(String format, Object values) {
        var run = new PercentFormat(values);
        Matcher matcher = FIELD.matcher(format);
        var out = new StringBuilder();
        int from = 0;
        while (matcher.find(from)) {
            out.append(format, from, matcher.start());
            Budget.charge(8);
            out.append(run.field(matcher));
            Limits.requireLength(out.length());
            from = matcher.end();
        }
        if (format.indexOf('%', from) >= 0) {
            throw JinjaException.value("incomplete format");
        }
        out.append(format, from, format.length());
        boolean mapping =
                run.usesKeys
                        || values instanceof Map<?, ?>
                        || values instanceof Undefined
                        || values instanceof List<?> && !(values instanceof Tuple);
        if (run.positional.hasNext() && !mapping) {
            throw JinjaException.type("not all arguments converted during string formatting");
        }
        return out.toString();
    }

    private String field(Matcher matcher) {
        char type = matcher.group("type").charAt(0);
        if (type == '%') {
            return "%";
        }
        String flags = matcher.group("flags");
        long width = width(matcher.group("width"));
        String digits = matcher.group("precision");
        int precision = digits == null ? -1 : digits.isEmpty() ? 0 : small(digits);
        Object value = value(matcher.group("key"));
        String text = convert(type, flags, precision, value);
        boolean number = "sra".indexOf(type) < 0;
        if (flags.indexOf('-') >= 0) {
            return Strings.pad(text, width, " ", Strings.Align.LEFT);
        }
        if (flags.indexOf('0') >= 0 && number) {
            boolean signed = !text.isEmpty() && "+- ".indexOf(text.charAt(0)) >= 0;
            String sign = signed ? text.substring(0, 1) : "";
            return sign
                    + Strings.pad(
                            text.substring(sign.length()),
                            width - sign.length(),
                            "0",
                            Strings.Align.RIGHT);
        }
        return Strings.pad(text, width, " ", Strings.Align.RIGHT);
    }

    private long width(String width) {
        if (width.equals("*")) {
            return next() instanceof Long n ? n : 0;
        }
        return width.isEmpty() ? 0 : small(width);
    }

    private static int small(String digits) {
        if (digits.length() > 8) {
            throw JinjaException.limit(
                    "a width or precision of %s is more than the limit of 8 digits"
                            .formatted(digits.substring(0, 9) + "…"));
        }
        return Integer.parseInt(digits);
    }

    private Object value(String key) {
        if (key == null) {
            return next();
        }
        usesKeys = true;
        if (!(values instanceof Map<?, ?> map)) {
            throw JinjaException.type("format requires a mapping");
        }
        Object value = Sequences.mapItem(map, key);
        if (value instanceof Absent) {
            throw JinjaException.value("format key " + Repr.of(key) + " is missing");
        }
        return value;
    }

    private Object next() {
        if (!positional.hasNext()) {
            throw JinjaException.type("not enough arguments for format string");
        }
        return positional.next();
    }

    private static String convert(char type, String flags, int precision, Object value) {
        return switch (type) {
            case 's' -> cut(Repr.text(value), precision);
            case 'r', 'a' -> cut(Repr.of(value), precision);
            case 'c' ->
                    Types.isInteger(value)
                            ? Character.toString(JinjaNumbers.big(value).intValueExact())
                            : character(value);
            case 'd', 'i', 'u' ->
                    signed(Repr.text(JinjaNumbers.normal(integer(value, true))), flags);
            case 'x' -> signed(radix(value, 16, flags, "0x"), flags);
            case 'X' -> signed(Strings.upper(radix(value, 16, flags, "0x")), flags);
            case 'o' -> signed(radix(value, 8, flags, "0o"), flags);
            case 'f', 'F' -> signed(fixed(real(value), precision < 0 ? 6 : precision), flags);
            case 'e' -> signed(scientific(real(value), precision < 0 ? 6 : precision), flags);
            case 'g' -> signed(general(real(value), precision < 0 ? 6 : precision), flags);
            default ->
                    throw JinjaException.value(
                            "unsupported format character " + Repr.of(String.valueOf(type)));
        };
    }

    private static String radix(Object value, int radix, String flags, String prefix) {
        String digits = digits(integer(value, false), radix);
        boolean negative = digits.startsWith("-");
        String marked = flags.indexOf('#') < 0 ? "" : prefix;
        return (negative ? "-" : "") + marked + digits.substring(negative ? 1 : 0);
    }

    /// The digits of an integer in base 2, 8 or 16.
    static String digits(BigInteger value, int radix) {
        Budget.charge(value.bitLength());
        return value.toString(radix);
    }

    private static String cut(String text, int precision) {
        return precision < 0 || precision >= Strings.length(text)
                ? text
                : text.substring(0, Strings.index(text, precision));
    }

    private static String character(Object value) {
        if (!Types.isString(value) || Strings.length(Repr.text(value)) != 1) {
            throw JinjaException.type("%c requires int or char");
        }
        return Repr.text(value);
    }

    private static String signed(String number, String flags) {
        if (number.startsWith("-")) {
            return number;
        }
        return (flags.indexOf('+') >= 0 ? "+" : flags.indexOf(' ') >= 0 ? " " : "") + number;
    }

    private static BigInteger integer(Object value, boolean cutFloat) {
        if (cutFloat && value instanceof Double d && !d.isInfinite() && !d.isNaN()) {
            return new BigDecimal(d).toBigInteger();
        }
        if (!Types.isInteger(value)) {
            throw JinjaException.type(
                    "%d format: a real number is required, not " + Types.name(value));
        }
        return JinjaNumbers.big(value);
    }

    private static double real(Object value) {
        if (!Types.isNumber(value)) {
            throw JinjaException.type("must be real number, not " + Types.name(value));
        }
        return JinjaNumbers.real(value);
    }

    static String fixed(double value, int precision) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return Repr.real(value);
        }
        Budget.charge(DECIMAL);
        Budget.characters(precision);
        int exact = Math.min(precision, FRACTION_DIGITS);
        String text =
                new BigDecimal(value).setScale(exact, RoundingMode.HALF_EVEN).toPlainString()
                        + "0".repeat(precision - exact);
        boolean negativeZero = (value < 0 || 1 / value < 0) && !text.startsWith("-");
        return negativeZero ? "-" + text : text;
    }

    static String scientific(double value, int precision) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return Repr.real(value);
        }
        Budget.charge(DECIMAL);
        Budget.characters(precision);
        int exact = Math.min(precision, FRACTION_DIGITS);
        var decimal = new BigDecimal(value);
        var rounded = decimal.round(new java.math.MathContext(exact + 1, RoundingMode.HALF_EVEN));
        String digits = rounded.unscaledValue().abs().toString();
        int exponent = value == 0 ? 0 : digits.length() - 1 - rounded.scale();
        digits = (digits + "0".repeat(precision + 1)).substring(0, precision + 1);
        String sign = value < 0 || 1 / value < 0 ? "-" : "";
        String rest = precision > 0 ? "." + digits.substring(1) : "";
        return "%s%s%se%s%02d"
                .formatted(
                        sign, digits.charAt(0), rest, exponent < 0 ? "-" : "+", Math.abs(exponent));
    }

    static String general(double value, int precision) {
        int digits = Math.max(precision, 1);
        String scientific = scientific(value, digits - 1);
        int e = scientific.indexOf('e');
        if (e < 0) {
            return scientific;
        }
        int exponent = Integer.parseInt(scientific.substring(e + 1));
        if (exponent >= -4 && exponent < digits) {
            return withoutZeros(fixed(value, digits - 1 - exponent));
        }
        return withoutZeros(scientific.substring(0, e)) + scientific.substring(e);
    }

    private static String withoutZeros(String number) {
        if (number.indexOf('.') < 0) {
            return number;
        }
        int end = number.length();
        while (number.charAt(end - 1) == '0') {
            end--;
        }
        return number.substring(0, number.charAt(end - 1) == '.' ? end - 1 : end);
    }

    /// The values as one argument of `%`, for `format(text, *values)`.
    static Object arguments(List<Object> positional, Map<String, Object> named) {
        return named.isEmpty() ? new Tuple(positional) : named;
    }
}
