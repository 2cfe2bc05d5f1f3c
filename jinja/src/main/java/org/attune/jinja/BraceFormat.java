package org.attune.jinja;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Python's `text.format(…)` with fill, alignment, sign, width, `,`, precision and type.
final class BraceFormat {
    private static final Pattern SPEC =
            Pattern.compile(
                    "(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[-+"
                            + " ])?(?<alternate>#)?(?<zero>0)?(?<width>\\d{1,8})?"
                            + "(?<comma>[,_])?(?:\\.(?<precision>\\d{1,8}))?(?<type>[a-zA-Z%])?",
                    Pattern.DOTALL);

    private final List<Object> positional;
    private final Map<String, Object> named;
    private int next;

    private BraceFormat(List<Object> positional, Map<String, Object> named) {
        this.positional = positional;
        this.named = named;
    }

    static String format(String format, List<Object> positional, Map<String, Object> named) {
        var run = new BraceFormat(positional, named);
        var out = new StringBuilder();
        int i = 0;
        while (i < format.length()) {
            char c = format.charAt(i);
            if ((c == '{' || c == '}') && format.startsWith(String.valueOf(c), i + 1)) {
                out.append(c);
                i += 2;
            } else if (c == '{') {
                int end = format.indexOf('}', i);
                if (end < 0) {
                    throw JinjaException.value("expected '}' before end of string");
                }
                out.append(run.field(format.substring(i + 1, end)));
                i = end + 1;
            } else if (c == '}') {
                throw JinjaException.value("Single '}' encountered in format string");
            } else {
                out.append(c);
                i++;
            }
            Limits.requireLength(out.length());
            Budget.charge(c == '{' ? 24 : 0);
        }
        return out.toString();
    }

    private String field(String field) {
        int colon = field.indexOf(':');
        String spec = colon < 0 ? "" : field.substring(colon + 1);
        String name = colon < 0 ? field : field.substring(0, colon);
        int bang = name.indexOf('!');
        String conversion = bang < 0 ? "" : name.substring(bang + 1);
        Object value = value(bang < 0 ? name : name.substring(0, bang));
        Object converted =
                switch (conversion) {
                    case "" -> value;
                    case "s" -> Repr.text(value);
                    case "r", "a" -> Repr.of(value);
                    default ->
                            throw JinjaException.value(
                                    "Unknown conversion specifier " + conversion);
                };
        return format(converted, spec);
    }

    private Object value(String path) {
        Matcher first = Pattern.compile("^[^.\\[]*").matcher(path);
        String name = first.find() ? first.group() : "";
        Object value;
        if (name.isEmpty() || name.chars().allMatch(c -> c >= '0' && c <= '9')) {
            long index =
                    name.isEmpty()
                            ? next++
                            : Long.parseLong(name, 0, Math.min(name.length(), 9), 10);
            if (index >= positional.size()) {
                throw JinjaException.value(
                        "Replacement index " + index + " out of range for positional args tuple");
            }
            value = positional.get((int) index);
        } else if (named.containsKey(name)) {
            value = named.get(name);
        } else {
            throw JinjaException.value("no argument named " + Repr.of(name));
        }
        Matcher steps =
                Pattern.compile("\\.([^.\\[]+)|\\[([^\\]]+)]")
                        .matcher(path.substring(name.length()));
        while (steps.find()) {
            Budget.charge(2);
            String key = steps.group(1) != null ? steps.group(1) : steps.group(2);
            boolean number = steps.group(1) == null && key.matches("\\d{1,9}");
            value = Attributes.item(value, number ? (Object) Long.parseLong(key) : key);
        }
        return value;
    }

    static String format(Object value, String spec) {
        Matcher matcher = SPEC.matcher(spec);
        if (!matcher.matches()) {
            throw JinjaException.value("Invalid format specifier " + Repr.of(spec));
        }
        boolean number = Types.isNumber(value) && !(value instanceof Boolean && spec.isEmpty());
        if (!number) {
            requireText(value, spec, matcher);
        }
        String text = number ? number(value, matcher) : text(value, matcher);
        String width = matcher.group("width");
        if (width == null) {
            return text;
        }
        boolean zero = matcher.group("zero") != null;
        String fill = matcher.group("fill") != null ? matcher.group("fill") : zero ? "0" : " ";
        String align = matcher.group("align");
        if (align == null) {
            align = !number ? "<" : zero ? "=" : ">";
        }
        long wide = Long.parseLong(width);
        return switch (align) {
            case "<" -> Strings.pad(text, wide, fill, Strings.Align.LEFT);
            case "^" -> {
                long missing = wide - Strings.length(text);
                String left = Strings.repeat(fill, missing / 2);
                yield Strings.pad(left + text, wide, fill, Strings.Align.LEFT);
            }
            case "=" -> {
                boolean signed = !text.isEmpty() && "+- ".indexOf(text.charAt(0)) >= 0;
                String sign = signed ? text.substring(0, 1) : "";
                String rest = text.substring(sign.length());
                yield sign + Strings.pad(rest, wide - sign.length(), fill, Strings.Align.RIGHT);
            }
            default -> Strings.pad(text, wide, fill, Strings.Align.RIGHT);
        };
    }

    /// Only texts and numbers have formats, and a text's can't be those of a number.
    private static void requireText(Object value, String spec, Matcher parts) {
        if (spec.isEmpty()) {
            return;
        }
        if (!Types.isString(value)) {
            throw JinjaException.type(
                    "unsupported format string passed to " + Types.name(value) + ".__format__");
        }
        String type = parts.group("type");
        boolean numeric =
                parts.group("sign") != null
                        || parts.group("comma") != null
                        || parts.group("alternate") != null
                        || "=".equals(parts.group("align"));
        if (type != null && !type.equals("s") || numeric) {
            throw JinjaException.value(
                    "the format " + Repr.of(spec) + " is one of numbers, but the value is a str");
        }
    }

    private static String text(Object value, Matcher spec) {
        String precision = spec.group("precision");
        String text = Repr.text(value);
        if (precision == null || Integer.parseInt(precision) >= Strings.length(text)) {
            return text;
        }
        return text.substring(0, Strings.index(text, Integer.parseInt(precision)));
    }

    private static String number(Object value, Matcher spec) {
        String digits = spec.group("precision");
        int precision = digits == null ? -1 : Integer.parseInt(digits);
        String type = spec.group("type") == null ? "" : spec.group("type");
        int places = precision < 0 ? 6 : precision;
        String text =
                switch (type) {
                    case "f", "F" -> PercentFormat.fixed(JinjaNumbers.real(value), places);
                    case "e" -> PercentFormat.scientific(JinjaNumbers.real(value), places);
                    case "g" -> PercentFormat.general(JinjaNumbers.real(value), places);
                    case "%" -> PercentFormat.fixed(JinjaNumbers.real(value) * 100, places) + "%";
                    case "x" -> radix(value, spec, 16, "0x");
                    case "X" -> Strings.upper(radix(value, spec, 16, "0x"));
                    case "o" -> radix(value, spec, 8, "0o");
                    case "b" -> radix(value, spec, 2, "0b");
                    case "d" -> radix(value, spec, 10, "");
                    case "c" -> Character.toString(JinjaNumbers.big(value).intValueExact());
                    case "", "n" ->
                            value instanceof Double d && precision >= 0
                                    ? PercentFormat.general(d, precision)
                                    : value instanceof Boolean
                                            ? JinjaNumbers.big(value).toString()
                                            : Repr.text(value);
                    default -> throw JinjaException.value("Unknown format code " + Repr.of(type));
                };
        String grouped = spec.group("comma") == null ? text : grouped(text, spec.group("comma"));
        String sign = spec.group("sign");
        boolean plus = sign != null && !sign.equals("-") && !grouped.startsWith("-");
        return plus ? sign + grouped : grouped;
    }

    private static String radix(Object integer, Matcher spec, int radix, String prefix) {
        if (integer instanceof Double) {
            throw JinjaException.value(
                    "Unknown format code "
                            + Repr.of(spec.group("type"))
                            + " for object of type 'float'");
        }
        if (spec.group("precision") != null) {
            throw JinjaException.value("Precision not allowed in integer format specifier");
        }
        if (radix == 10) {
            return Repr.text(JinjaNumbers.normal(JinjaNumbers.big(integer)));
        }
        String digits = PercentFormat.digits(JinjaNumbers.big(integer), radix);
        boolean negative = digits.startsWith("-");
        String marked = spec.group("alternate") == null ? "" : prefix;
        return (negative ? "-" : "") + marked + digits.substring(negative ? 1 : 0);
    }

    private static String grouped(String number, String separator) {
        int point = number.indexOf('.');
        int end = point < 0 ? number.length() : point;
        var out = new StringBuilder();
        for (int i = 0; i < end; i++) {
            boolean separated = i > 0 && (end - i) % 3 == 0;
            if (separated && Character.isDigit(number.charAt(i - 1))) {
                out.append(separator);
            }
            out.append(number.charAt(i));
        }
        return out.append(number, end, number.length()).toString();
    }
}
