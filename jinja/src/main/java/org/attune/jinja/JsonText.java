package org.attune.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// Values as JSON, as Python's `json.dumps` writes them.
public final class JsonText {
    private final Format format;
    private final StringBuilder out = new StringBuilder();

    private JsonText(Format format) {
        this.format = format;
    }

    /// How JSON is written.
    ///
    /// @param ensureAscii   whether other characters are escaped
    /// @param indent        indentation of one level, or null for all on one line
    /// @param itemSeparator what stands between items
    /// @param keySeparator  what stands between key and value
    /// @param sortKeys      whether keys are sorted
    record Format(
            boolean ensureAscii,
            String indent,
            String itemSeparator,
            String keySeparator,
            boolean sortKeys) {
        static final Format PLAIN = new Format(false, null, ", ", ": ", false);
    }

    /// `json.dumps(value, ensure_ascii=False)`.
    ///
    /// @throws JinjaException if something in `value` has no JSON form
    public static String dumps(Object value) {
        return dumps(value, Format.PLAIN);
    }

    static String dumps(Object value, Format format) {
        var writer = new JsonText(format);
        writer.write(value, 0);
        return writer.out.toString();
    }

    private void write(Object value, int level) {
        Limits.requireLength(out.length());
        Budget.charge(1);
        switch (value) {
            case null -> out.append("null");
            case String s -> quote(s);
            case Markup m -> quote(m.text());
            case Boolean b -> out.append(b);
            case Long _, java.math.BigInteger _ -> out.append(Repr.text(value));
            case Integer i -> out.append(i);
            case Double d -> {
                Budget.charge(Repr.REAL);
                out.append(real(d));
            }
            case Range _ -> throw unserializable(value);
            case List<?> l -> items(l, level);
            case Map<?, ?> m -> entries(m, level);
            default -> throw unserializable(value);
        }
    }

    private static JinjaException unserializable(Object value) {
        return JinjaException.type(
                "Object of type " + Types.name(value) + " is not JSON serializable");
    }

    private static String real(double value) {
        if (Double.isNaN(value)) {
            return "NaN";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "Infinity" : "-Infinity";
        }
        return Repr.real(value);
    }

    private void items(List<?> items, int level) {
        if (items.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append('[');
        String separator = "";
        for (Object item : items) {
            out.append(separator);
            lineBreak(level + 1);
            write(item, level + 1);
            separator = format.itemSeparator;
        }
        lineBreak(level);
        out.append(']');
    }

    private void entries(Map<?, ?> map, int level) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        var keys = new ArrayList<Object>(map.keySet());
        if (format.sortKeys) {
            keys.sort((a, b) -> JinjaOperators.order("<", a, b));
        }
        out.append('{');
        Iterator<Object> rest = keys.iterator();
        while (rest.hasNext()) {
            Object key = rest.next();
            lineBreak(level + 1);
            quote(key(key));
            out.append(format.keySeparator);
            write(map.get(key), level + 1);
            out.append(rest.hasNext() ? format.itemSeparator : "");
        }
        lineBreak(level);
        out.append('}');
    }

    private static String key(Object key) {
        return switch (key) {
            case null -> "null";
            case Boolean b -> b.toString();
            case Double d -> real(d);
            case String _, Markup _, Long _, java.math.BigInteger _ -> Repr.text(key);
            default ->
                    throw JinjaException.type(
                            "keys must be str, int, float, bool or None, not " + Types.name(key));
        };
    }

    private void lineBreak(int level) {
        if (format.indent != null) {
            Budget.characters((double) format.indent.length() * level);
            out.append('\n').append(format.indent.repeat(level));
            Limits.requireLength(out.length());
        }
    }

    private void quote(String text) {
        Budget.slowCharacters(text.length());
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < ' ' || format.ensureAscii && c > '~' + 1) {
                        Repr.hexadecimal('u', c, 4, out);
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    /// The filter `tojson(value, ensure_ascii=False, indent=None, separators=None,
    /// sort_keys=False)`.
    static final Builtin FILTER =
            Builtin.of(
                    "tojson",
                    "x ensure_ascii? indent? separators? sort_keys?",
                    c -> dumps(c.get(0), format(c)));

    private static Format format(Builtin.Call c) {
        String indent =
                switch (c.get(2, null)) {
                    case null -> null;
                    case String s -> s;
                    default -> Strings.repeat(" ", c.integer(2, 0));
                };
        String itemSeparator = indent == null ? ", " : ",";
        String keySeparator = ": ";
        if (c.get(3, null) != null) {
            List<Object> separators = Sequences.list(c.get(3));
            if (separators.size() != 2) {
                throw JinjaException.value("separators must be a pair of strings");
            }
            itemSeparator = Repr.text(separators.get(0));
            keySeparator = Repr.text(separators.get(1));
        }
        return new Format(
                c.truth(1, false), indent, itemSeparator, keySeparator, c.truth(4, false));
    }
}
