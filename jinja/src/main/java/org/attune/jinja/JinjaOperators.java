package org.attune.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// Python's operators on any values.
final class JinjaOperators {
    private JinjaOperators() {}

    static Object arithmetic(String operator, Object a, Object b) {
        requireDefined(operator, a, b);
        if (Types.isNumber(a) && Types.isNumber(b)) {
            return switch (operator) {
                case "+" -> JinjaNumbers.add(a, b);
                case "-" -> JinjaNumbers.subtract(a, b);
                case "*" -> JinjaNumbers.multiply(a, b);
                case "/" -> JinjaNumbers.divide(a, b);
                case "//" -> JinjaNumbers.floorDivide(a, b);
                case "%" -> JinjaNumbers.modulo(a, b);
                default -> JinjaNumbers.power(a, b);
            };
        }
        Object result =
                switch (operator) {
                    case "+" -> join(a, b);
                    case "*" -> isRepeatable(a) || Types.isString(a) ? repeat(a, b) : repeat(b, a);
                    case "%" ->
                            Types.isString(a) ? PercentFormat.format(Repr.text(a), b) : UNSUPPORTED;
                    default -> UNSUPPORTED;
                };
        if (result == UNSUPPORTED) {
            throw JinjaException.type(
                    "unsupported operand type(s) for "
                            + (operator.equals("**") ? "** or pow()" : operator)
                            + ": "
                            + Repr.of(Types.name(a))
                            + " and "
                            + Repr.of(Types.name(b)));
        }
        return result;
    }

    private static final Object UNSUPPORTED = new Object();

    private static void requireDefined(String operator, Object a, Object b) {
        if (a instanceof Undefined undefined) {
            throw undefined.failure();
        }
        boolean formatted = operator.equals("%") && Types.isString(a);
        if (b instanceof Undefined undefined && !formatted) {
            throw undefined.failure();
        }
    }

    private static Object join(Object a, Object b) {
        if (Types.isString(a) && Types.isString(b)) {
            Budget.characters((double) Repr.text(a).length() + Repr.text(b).length());
            return a instanceof Markup || b instanceof Markup
                    ? new Markup(Markup.escape(a).text() + Markup.escape(b).text())
                    : (String) a + b;
        }
        if (Types.isString(a)) {
            throw JinjaException.type(
                    "can only concatenate str (not \"" + Types.name(b) + "\") to str");
        }
        if (!isRepeatable(a)) {
            return UNSUPPORTED;
        }
        if (!(b instanceof List<?>) || !Types.name(a).equals(Types.name(b))) {
            throw JinjaException.type(
                    "can only concatenate %s (not \"%s\") to %s"
                            .formatted(Types.name(a), Types.name(b), Types.name(a)));
        }
        Budget.items((double) ((List<?>) a).size() + ((List<?>) b).size());
        var items = new ArrayList<>(((List<?>) a).size() + ((List<?>) b).size());
        items.addAll((List<?>) a);
        items.addAll((List<?>) b);
        return a instanceof Tuple ? new Tuple(items) : items;
    }

    /// A list or a tuple; a range is neither.
    private static boolean isRepeatable(Object value) {
        return value instanceof List<?> && !(value instanceof Range);
    }

    private static Object repeat(Object what, Object times) {
        if (!isRepeatable(what) && !Types.isString(what)) {
            return UNSUPPORTED;
        }
        if (!Types.isInteger(times)) {
            throw JinjaException.type(
                    "can't multiply sequence by non-int of type " + Repr.of(Types.name(times)));
        }
        long count = times instanceof Boolean b ? (b ? 1 : 0) : big(times);
        if (what instanceof Markup markup) {
            return new Markup(Strings.repeat(markup.text(), count));
        }
        if (what instanceof String text) {
            return Strings.repeat(text, count);
        }
        List<?> items = (List<?>) what;
        Budget.items((double) items.size() * Math.max(0, count));
        var repeated = new ArrayList<>();
        for (long i = 0; i < count && !items.isEmpty(); i++) {
            repeated.addAll(items);
        }
        return what instanceof Tuple ? new Tuple(repeated) : repeated;
    }

    /// A count as long; what is beyond is too much anyway.
    private static long big(Object integer) {
        return integer instanceof Long n
                ? n
                : JinjaNumbers.big(integer).signum() * (Long.MAX_VALUE / 2);
    }

    static boolean compare(String operator, Object a, Object b) {
        return switch (operator) {
            case "==" -> equal(a, b);
            case "!=" -> !equal(a, b);
            case "in" -> contains(b, a);
            case "not in" -> !contains(b, a);
            default -> ordered(operator, a, b);
        };
    }

    static boolean equal(Object a, Object b) {
        if (a == null || b == null) {
            return a == null && b == null;
        }
        if (Types.isNumber(a) && Types.isNumber(b)) {
            return !JinjaNumbers.isNan(a)
                    && !JinjaNumbers.isNan(b)
                    && JinjaNumbers.compare(a, b) == 0;
        }
        if (Types.isString(a) && Types.isString(b)) {
            String x = Repr.text(a);
            String y = Repr.text(b);
            Budget.characters(x.length() == y.length() ? x.length() : 0);
            return x.equals(y);
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            return Types.name(a).equals(Types.name(b)) && equalItems(x, y);
        }
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            return x.size() == y.size()
                    && x.entrySet().stream()
                            .allMatch(entry -> equalEntry(y, entry.getKey(), entry.getValue()));
        }
        if (a instanceof DictView x && b instanceof DictView y) {
            return x.hasEqualItems(y);
        }
        return a instanceof Undefined && b instanceof Undefined || a.equals(b);
    }

    private static boolean equalItems(List<?> x, List<?> y) {
        if (x.size() != y.size()) {
            return false;
        }
        Iterator<?> others = y.iterator();
        for (Object item : x) {
            Budget.charge(1);
            if (!equal(item, others.next())) {
                return false;
            }
        }
        return true;
    }

    private static boolean equalEntry(Map<?, ?> map, Object key, Object value) {
        Budget.charge(Budget.UNITS_PER_ENTRY);
        Object other = Sequences.mapItem(map, key);
        return !(other instanceof Absent) && equal(value, other);
    }

    /// `item in container`.
    static boolean contains(Object container, Object item) {
        return switch (container) {
            case String text -> containsText(text, item);
            case Markup markup -> containsText(markup.text(), item);
            case Map<?, ?> map -> {
                Dict.hashed(item);
                yield !(Sequences.mapItem(map, item) instanceof Absent);
            }
            case null, default -> containsItem(container, item);
        };
    }

    private static boolean containsText(String text, Object part) {
        if (!Types.isString(part)) {
            throw JinjaException.type(
                    "'in <string>' requires string as left operand, not " + Types.name(part));
        }
        return TextSearch.first(text, Repr.text(part), 0) >= 0;
    }

    private static boolean containsItem(Object container, Object item) {
        if (!Sequences.isIterable(container)) {
            throw JinjaException.type(
                    "argument of type " + Repr.of(Types.name(container)) + " is not iterable");
        }
        Iterator<Object> items = Sequences.iterate(container);
        while (items.hasNext()) {
            Budget.charge(1);
            if (equal(items.next(), item)) {
                return true;
            }
        }
        return false;
    }

    private static boolean ordered(String operator, Object a, Object b) {
        if (JinjaNumbers.isNan(a) || JinjaNumbers.isNan(b)) {
            order(operator, JinjaNumbers.isNan(a) ? 0.0 : a, JinjaNumbers.isNan(b) ? 0.0 : b);
            return false;
        }
        int order = order(operator, a, b);
        return switch (operator) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    /// Negative, zero or positive as `a` is less than, equal to or greater than `b`.
    ///
    /// @param operator for the message if they can't be ordered
    static int order(String operator, Object a, Object b) {
        if (a instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (b instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (Types.isNumber(a) && Types.isNumber(b)) {
            return JinjaNumbers.compare(a, b);
        }
        if (Types.isString(a) && Types.isString(b)) {
            return compareText(Repr.text(a), Repr.text(b));
        }
        boolean lists = a instanceof List<?> && b instanceof List<?>;
        if (lists && Types.name(a).equals(Types.name(b)) && !(a instanceof Range)) {
            return orderItems(operator, (List<?>) a, (List<?>) b);
        }
        throw JinjaException.type(
                Repr.of(operator)
                        + " not supported between instances of "
                        + Repr.of(Types.name(a))
                        + " and "
                        + Repr.of(Types.name(b)));
    }

    private static int orderItems(String operator, List<?> a, List<?> b) {
        Iterator<?> others = b.iterator();
        for (Object item : a) {
            Budget.charge(1);
            if (!others.hasNext()) {
                return 1;
            }
            Object other = others.next();
            if (!equal(item, other)) {
                return order(operator, item, other);
            }
        }
        return others.hasNext() ? -1 : 0;
    }

    /// Compares texts by code points; Java's order of UTF-16 units puts U+FFFF after U+10000.
    private static int compareText(String a, String b) {
        int shared = Math.min(a.length(), b.length());
        for (int i = 0; i < shared; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                Budget.characters(i);
                boolean surrogates = Character.isSurrogate(x) != Character.isSurrogate(y);
                return surrogates ? (Character.isSurrogate(x) ? 1 : -1) : x - y;
            }
        }
        Budget.characters(shared);
        return a.length() - b.length();
    }
}
