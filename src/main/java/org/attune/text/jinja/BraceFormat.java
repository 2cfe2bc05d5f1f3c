package org.attune.text.jinja;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Python's `text.format(…)` with fill, alignment, sign, width, `,`, precision and type.
final class BraceFormat {
    private static final Pattern SPEC =
            Pattern.compile(
                    "(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[-+"
                            + " ])?#?(?<zero>0)?(?<width>\\d{1,8})?"
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
            case "^" -> Strings.pad(text, wide, fill, Strings.Align.CENTER);
            case "=" -> {
                boolean signed = !text.isEmpty() && "+- ".indexOf(text.charAt(0)) >= 0;
                String sign = signed ? text.substring(0, 1) : "";
                String rest = text.substring(sign.length());
                yield sign + Strings.pad(rest, wide - sign.length(), fill, Strings.Align.RIGHT);
            }
            default -> Strings.pad(text, wide, fill, Strings.Align.RIGHT);
        };
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
                    case "f", "F" -> PercentFormat.fixed(Numbers.real(value), places);
                    case "e" -> PercentFormat.scientific(Numbers.real(value), places);
                    case "g" -> PercentFormat.general(Numbers.real(value), places);
                    case "%" -> PercentFormat.fixed(Numbers.real(value) * 100, places) + "%";
                    case "x" -> Numbers.big(value).toString(16);
                    case "X" -> Strings.upper(Numbers.big(value).toString(16));
                    case "o" -> Numbers.big(value).toString(8);
                    case "b" -> Numbers.big(value).toString(2);
                    case "", "d", "n" ->
                            value instanceof Double d && precision >= 0
                                    ? PercentFormat.general(d, precision)
                                    : value instanceof Boolean
                                            ? Numbers.big(value).toString()
                                            : Repr.text(value);
                    default -> throw JinjaException.value("Unknown format code " + Repr.of(type));
                };
        String grouped = spec.group("comma") == null ? text : grouped(text, spec.group("comma"));
        String sign = spec.group("sign");
        boolean plus = sign != null && !sign.equals("-") && !grouped.startsWith("-");
        return plus ? sign + grouped : grouped;
    }

    private static String grouped(String number, String separator) {
        int end = number.indexOf('.');
        var out = new StringBuilder(number);
        for (int i = (end < 0 ? number.length() : end) - 3; i > 0; i -= 3) {
            if (Character.isDigit(out.charAt(i - 1))) {
                out.insert(i, separator);
            }
        }
        return out.toString();
    }
}
