package org.attune.jinja;

import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// `owner.name` and `owner[key]` in Jinja's sandbox. The dot looks for a method first and then for
/// a key, brackets the other way round; what would change a list or dict is out of reach.
final class Attributes {
    private static final Set<String> LIST_CHANGES =
            Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
    private static final Set<String> DICT_CHANGES =
            Set.of("clear", "pop", "popitem", "setdefault", "update");

    /// What every object has, also an undefined one.
    private static final Set<String> OF_ALL =
            Set.of("__class__", "__doc__", "__init__", "__dict__", "__module__", "__str__");

    private static final Map<String, Builtin> DICT = new HashMap<>();

    /// `fromkeys`, which both the type `dict` and any dict have.
    private static final Builtin FROM_KEYS =
            Builtin.of("fromkeys", "keys value?", Attributes::fromKeys);
    private static final Map<String, Builtin> LIST = new HashMap<>();

    static {
        DICT.put("keys", Builtin.of("keys", "self /", c -> DictView.keys(map(c))));
        DICT.put("values", Builtin.of("values", "self /", c -> DictView.values(map(c))));
        DICT.put("items", Builtin.of("items", "self /", c -> DictView.items(map(c))));
        DICT.put("copy", Builtin.of("copy", "self /", c -> c.get(0)));
        DICT.put(
                "get",
                Builtin.of(
                        "get",
                        "self key default? /",
                        c -> {
                            Dict.hashed(c.get(1));
                            Object value = Sequences.mapItem(map(c), c.get(1));
                            return value instanceof Absent ? c.get(2, null) : value;
                        }));
        LIST.put("copy", Builtin.of("copy", "self /", c -> c.get(0)));
        LIST.put("count", Builtin.of("count", "self value /", Attributes::count));
        LIST.put("index", Builtin.of("index", "self value /", Attributes::index));
    }

    private Attributes() {}

    private static Map<?, ?> map(Builtin.Call call) {
        return (Map<?, ?>) call.get(0);
    }

    private static Object count(Builtin.Call call) {
        List<?> list = (List<?>) call.get(0);
        Budget.charge(list.size());
        return list.stream().filter(item -> JinjaOperators.equal(item, call.get(1))).count();
    }

    private static Object index(Builtin.Call call) {
        List<?> list = (List<?>) call.get(0);
        for (int i = 0; i < list.size(); i++) {
            Budget.charge(1);
            if (JinjaOperators.equal(list.get(i), call.get(1))) {
                return (long) i;
            }
        }
        throw JinjaException.value(Repr.of(call.get(1)) + " is not in list");
    }

    /// `owner.name`
    static Object attribute(Object owner, String name) {
        if (owner instanceof Undefined undefined) {
            if (OF_ALL.contains(name)) {
                return Undefined.unsafe(owner, name);
            }
            throw undefined.failure();
        }
        Object own = own(owner, name);
        if (!(own instanceof Absent)) {
            return own;
        }
        Object item = Sequences.item(owner, name);
        return item instanceof Absent ? Undefined.member(owner, name) : item;
    }

    /// `owner[key]`
    static Object item(Object owner, Object key) {
        if (owner instanceof Undefined undefined) {
            throw undefined.failure();
        }
        Object item = Sequences.item(owner, key);
        if (item instanceof Absent && Types.isString(key)) {
            item = own(owner, Repr.text(key));
        }
        return item instanceof Absent ? Undefined.member(owner, key) : item;
    }

    /// An attribute in Python's sense, also for the filter `attr`.
    static Object own(Object owner, String name) {
        if (name.startsWith("__")) {
            return Undefined.unsafe(owner, name);
        }
        return switch (owner) {
            case String _, Markup _ -> method(owner, StringMethods.find(name));
            case Map<?, ?> _ ->
                    DICT_CHANGES.contains(name)
                            ? Undefined.unsafe(owner, name)
                            : name.equals("fromkeys") ? FROM_KEYS : method(owner, DICT.get(name));
            case HasAttributes object -> object.attribute(name);
            case Tuple _ -> name.equals("copy") ? Absent.ABSENT : method(owner, LIST.get(name));
            case List<?> _ ->
                    LIST_CHANGES.contains(name)
                            ? Undefined.unsafe(owner, name)
                            : method(owner, LIST.get(name));
            case Namespace namespace -> namespace.attributes().getOrDefault(name, Absent.ABSENT);
            case null -> Absent.ABSENT;
            case Builtin builtin when builtin.name().equals("dict") ->
                    name.equals("fromkeys") ? FROM_KEYS : Absent.ABSENT;
            default -> Types.isNumber(owner) ? number(owner, name) : Absent.ABSENT;
        };
    }

    private static Object fromKeys(Builtin.Call c) {
        var dict = new Dict();
        Iterator<Object> keys = Sequences.iterate(c.get(0));
        Object value = c.has(1) ? c.get(1) : null;
        while (keys.hasNext()) {
            Budget.items(1);
            dict.put(keys.next(), value);
        }
        Limits.requireItems(dict.size());
        return dict;
    }

    private static Object method(Object owner, Builtin method) {
        return method == null ? Absent.ABSENT : new BoundMethod(owner, method);
    }

    private static Object number(Object number, String name) {
        Object plain = number instanceof Boolean b ? (Object) (b ? 1L : 0L) : number;
        boolean integer = !(number instanceof Double);
        return switch (name) {
            case "real" -> plain;
            case "imag" -> integer ? (Object) 0L : (Object) 0.0;
            case "numerator" -> integer ? plain : Absent.ABSENT;
            case "denominator" -> integer ? (Object) 1L : Absent.ABSENT;
            case "is_integer" ->
                    method(
                            number,
                            Builtin.of(
                                    name,
                                    "self /",
                                    _ -> integer || (double) number == Math.rint((double) number)));
            case "bit_length" ->
                    integer
                            ? method(
                                    number,
                                    Builtin.of(
                                            name,
                                            "self /",
                                            _ -> (long) JinjaNumbers.big(number).abs().bitLength()))
                            : Absent.ABSENT;
            default -> Absent.ABSENT;
        };
    }
}
