package org.attune.jinja;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Values as text, as Python's `str` and `repr` show them.
final class Repr {
    /// Units for the shortest digits of a float.
    static final int REAL = 6;

    private Repr() {}

    /// `str(value)`.
    static String text(Object value) {
        return switch (value) {
            case String s -> s;
            case Markup m -> m.text();
            case Undefined _ -> "";
            case null, default -> of(value);
        };
    }

    /// `repr(value)`.
    static String of(Object value) {
        var out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        Limits.requireLength(out.length());
        Budget.charge(1);
        switch (value) {
            case null -> out.append("None");
            case Boolean b -> out.append(b ? "True" : "False");
            case Double d -> {
                Budget.charge(REAL);
                out.append(real(d));
            }
            case java.math.BigInteger n -> out.append(integer(n));
            case String s -> quote(s, out);
            case Markup m -> quote(m.text(), out.append("Markup(")).append(')');
            case Tuple t -> items(t, "(", t.size() == 1 ? ",)" : ")", out);
            case Range r -> out.append(r);
            case List<?> l -> items(l, "[", "]", out);
            case Map<?, ?> m -> entries(m, out);
            case DictView v -> items(v.items(), v.type() + "([", "])", out);
            case Undefined _ -> out.append("Undefined");
            case Namespace n -> entries(n.attributes(), out.append("<Namespace ")).append('>');
            case byte[] bytes ->
                    quote(new String(bytes, StandardCharsets.ISO_8859_1), out.append('b'));
            case LazySequence _ -> out.append("<generator object>");
            case Macro m -> out.append("<Macro ").append(of(m.name())).append('>');
            case LoopContext loop -> out.append(loop);
            case Invocable f -> out.append("<function ").append(f.name()).append('>');
            default -> out.append(value);
        }
    }

    private static void items(Collection<?> items, String open, String close, StringBuilder out) {
        out.append(open);
        String separator = "";
        for (Object item : items) {
            out.append(separator);
            write(item, out);
            separator = ", ";
        }
        out.append(close);
    }

    private static StringBuilder entries(Map<?, ?> map, StringBuilder out) {
        out.append('{');
        Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry<?, ?> entry = entries.next();
            write(entry.getKey(), out);
            out.append(": ");
            write(entry.getValue(), out);
            out.append(entries.hasNext() ? ", " : "");
        }
        return out.append('}');
    }

    private static StringBuilder quote(String text, StringBuilder out) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        Budget.slowCharacters(text.length());
        text.codePoints()
                .forEach(
                        c -> {
                            switch (c) {
                                case '\n' -> out.append("\\n");
                                case '\r' -> out.append("\\r");
                                case '\t' -> out.append("\\t");
                                case '\\' -> out.append("\\\\");
                                default -> character(c, quote, out);
                            }
                        });
        return out.append(quote);
    }

    private static void character(int c, char quote, StringBuilder out) {
        if (c == quote) {
            out.append('\\').append(quote);
        } else if (isPrintable(c)) {
            out.appendCodePoint(c);
        } else if (c < 0x100) {
            hexadecimal('x', c, 2, out);
        } else {
            hexadecimal(c < 0x10000 ? 'u' : 'U', c, c < 0x10000 ? 4 : 8, out);
        }
    }

    /// Writes a character as an escape: a backslash, `kind` and so many digits.
    static void hexadecimal(char kind, int c, int digits, StringBuilder out) {
        out.append('\\').append(kind);
        for (int i = digits - 1; i >= 0; i--) {
            out.append(Character.forDigit(c >> 4 * i & 15, 16));
        }
    }

    private static String integer(java.math.BigInteger value) {
        // A decimal digit has 3.32 bits; Python counts exactly, which nobody notices.
        if (value.bitLength() > Limits.INTEGER_DIGITS * 3.33) {
            throw JinjaException.value(
                    "Exceeds the limit (%d digits) for integer string conversion"
                            .formatted(Limits.INTEGER_DIGITS));
        }
        Budget.charge(value.bitLength());
        return value.toString();
    }

    private static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }

    /// A float as Python prints it: the shortest digits that give the same double, scientific from
    /// 1e16 and below 1e-4.
    public static String real(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        String sign = value < 0 ? "-" : "";
        BigDecimal decimal = shortest(Math.abs(value));
        String digits = decimal.unscaledValue().toString();
        int exponent = digits.length() - decimal.scale() - 1;
        if (exponent < -4 || exponent >= 16) {
            String rest = digits.length() > 1 ? "." + digits.substring(1) : "";
            String power = (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "");
            return sign + digits.charAt(0) + rest + "e" + power + Math.abs(exponent);
        }
        String plain = decimal.toPlainString();
        return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
    }

    /// Java prints two digits where one would do (4.9E-324 for 5e-324); Python doesn't.
    private static BigDecimal shortest(double value) {
        BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        if (decimal.precision() == 2) {
            BigDecimal one = decimal.round(new java.math.MathContext(1));
            if (one.doubleValue() == value) {
                return one.stripTrailingZeros();
            }
        }
        return decimal;
    }

    /// Names in quotes, joined by ` or `.
    static String alternatives(List<String> names) {
        return names.stream().map(Repr::of).collect(Collectors.joining(" or "));
    }
}
