package org.attune.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// Things that can be gone through, indexed and cut.
final class Sequences {
    private Sequences() {}

    /// `iter(value)`.
    static Iterator<Object> iterate(Object value) {
        return switch (value) {
            case String s -> characters(s);
            case Markup m -> characters(m.text());
            case List<?> l -> Collections.<Object>unmodifiableList(l).iterator();
            case Map<?, ?> m -> Collections.<Object>unmodifiableSet(m.keySet()).iterator();
            case DictView view -> view.iterator();
            case LazySequence generator -> generator.iterator();
            case LoopContext loop -> loop;
            case Undefined _ -> Collections.emptyIterator();
            case null, default ->
                    throw JinjaException.type(
                            Repr.of(Types.name(value)) + " object is not iterable");
        };
    }

    static boolean isIterable(Object value) {
        return Types.isString(value)
                || value instanceof Iterable<?>
                || value instanceof Map<?, ?>
                || value instanceof LoopContext
                || value instanceof Undefined;
    }

    private static Iterator<Object> characters(String text) {
        return new Iterator<>() {
            private int at;

            @Override
            public boolean hasNext() {
                return at < text.length();
            }

            @Override
            public Object next() {
                Budget.charge(1);
                int character = text.codePointAt(at);
                at += Character.charCount(character);
                return Character.toString(character);
            }
        };
    }

    /// The characters of a text from the last to the first.
    static Iterator<Object> reversedCharacters(String text) {
        return new Iterator<>() {
            private int at = text.length();

            @Override
            public boolean hasNext() {
                return at > 0;
            }

            @Override
            public Object next() {
                Budget.charge(1);
                int character = text.codePointBefore(at);
                at -= Character.charCount(character);
                return Character.toString(character);
            }
        };
    }

    /// `list(value)`, a new one unless `value` is a list.
    static List<Object> list(Object value) {
        if (value instanceof List<?> list) {
            return Collections.unmodifiableList(list);
        }
        var items = new ArrayList<>();
        iterate(value)
                .forEachRemaining(
                        item -> {
                            Budget.items(1);
                            Limits.requireItems(items.size());
                            items.add(item);
                        });
        return items;
    }

    /// The items of `value`, which are so many.
    static List<Object> unpacked(Object value, int count) {
        if (!isIterable(value)) {
            throw JinjaException.type(
                    "cannot unpack non-iterable " + Types.name(value) + " object");
        }
        List<Object> values = list(value);
        if (values.size() != count) {
            String problem =
                    values.size() > count
                            ? "too many values to unpack (expected %d)"
                            : "not enough values to unpack (expected %d, got %d)";
            throw JinjaException.value(problem.formatted(count, values.size()));
        }
        return values;
    }

    /// `len(value)`.
    static long length(Object value) {
        return switch (value) {
            case String s -> Strings.length(s);
            case Markup m -> Strings.length(m.text());
            case List<?> l -> l.size();
            case Map<?, ?> m -> m.size();
            case DictView view -> view.items().size();
            case byte[] bytes -> bytes.length;
            case LoopContext loop -> loop.length();
            case Undefined _ -> 0;
            case null, default ->
                    throw JinjaException.type(
                            "object of type " + Repr.of(Types.name(value)) + " has no len()");
        };
    }

    /// `owner[key]`, or an undefined value if there is none. Not for undefined owners.
    static Object item(Object owner, Object key) {
        return switch (owner) {
            case Map<?, ?> map -> mapItem(map, key);
            case List<?> list -> listItem(list, key);
            case String s -> character(s, key);
            case Markup m -> character(m.text(), key);
            case null, default -> Absent.ABSENT;
        };
    }

    static Object mapItem(Map<?, ?> map, Object key) {
        if (key instanceof List<?> && !(key instanceof Tuple) || key instanceof Map<?, ?>) {
            return Absent.ABSENT;
        }
        Object name = key instanceof Markup markup ? markup.text() : key;
        Budget.text(name);
        Object value = map.get(name);
        return value != null || map.containsKey(name) ? value : Absent.ABSENT;
    }

    private static Object listItem(List<?> list, Object key) {
        int index = index(key, list.size());
        return index < 0 ? Absent.ABSENT : list.get(index);
    }

    private static Object character(String text, Object key) {
        int index = index(key, Types.isInteger(key) ? Strings.length(text) : 0);
        if (index < 0) {
            return Absent.ABSENT;
        }
        return Character.toString(text.codePointAt(Strings.index(text, index)));
    }

    /// The index from 0 that `key` means, or -1.
    private static int index(Object key, int size) {
        long index =
                switch (key) {
                    case Long n -> n;
                    case Boolean b -> b ? 1 : 0;
                    case null, default -> Long.MIN_VALUE;
                };
        index += index < 0 ? size : 0;
        return index >= 0 && index < size ? (int) index : -1;
    }

    /// `owner[start:stop:step]`; `null` means that a bound is left out.
    static Object slice(Object owner, Object start, Object stop, Object step) {
        return switch (owner) {
            case String s -> sliceText(s, start, stop, step);
            case Markup m -> new Markup(sliceText(m.text(), start, stop, step));
            case Tuple t -> copied(sliceList(t, start, stop, step));
            case Range r -> r.slice(bounds(r.size(), start, stop, step));
            case List<?> l -> sliceList(l, start, stop, step);
            case Undefined undefined -> throw undefined.failure();
            case Map<?, ?> _ -> throw JinjaException.type("unhashable type: 'slice'");
            case null, default ->
                    throw JinjaException.type(
                            Repr.of(Types.name(owner)) + " object is not subscriptable");
        };
    }

    /// Start, end and step of a slice, as indexes.
    private static long[] bounds(int size, Object start, Object stop, Object step) {
        long by = step(step);
        return new long[] {
            bound(start, by > 0 ? 0 : size - 1, size, by),
            bound(stop, by > 0 ? size : -1, size, by),
            by
        };
    }

    private static List<Object> sliceList(List<?> list, Object start, Object stop, Object step) {
        long by = step(step);
        if (by == 1) {
            int from = (int) bound(start, 0, list.size(), by);
            int to = (int) bound(stop, list.size(), list.size(), by);
            return Collections.unmodifiableList(list.subList(from, Math.max(from, to)));
        }
        var items = new ArrayList<>();
        Budget.items((double) list.size() / Math.abs((double) by));
        for (int index : indexes(list.size(), start, stop, by)) {
            items.add(list.get(index));
        }
        return items;
    }

    /// Slices of tuples are copied: one that looks into a slice that looks into a slice … is slow.
    private static Tuple copied(List<Object> items) {
        Budget.items(items.size() / 16.0);
        return new Tuple(new ArrayList<>(items));
    }

    private static String sliceText(String text, Object start, Object stop, Object step) {
        long by = step(step);
        int size = Strings.length(text);
        Budget.characters(text.length());
        if (by == 1) {
            int from = (int) bound(start, 0, size, by);
            int to = Math.max(from, (int) bound(stop, size, size, by));
            return text.substring(Strings.index(text, from), Strings.index(text, to));
        }
        Budget.slowCharacters(text.length());
        int[] characters = text.codePoints().toArray();
        var out = new StringBuilder();
        for (int index : indexes(size, start, stop, by)) {
            out.appendCodePoint(characters[index]);
        }
        return out.toString();
    }

    private static long step(Object step) {
        long by = step == null ? 1 : integer(step);
        if (by == 0) {
            throw JinjaException.value("slice step cannot be zero");
        }
        return by;
    }

    private static int[] indexes(int size, Object start, Object stop, long step) {
        long[] bounds = bounds(size, start, stop, (Object) step);
        long from = bounds[0];
        long to = bounds[1];
        return java.util.stream.LongStream.iterate(
                        from, i -> step > 0 ? i < to : i > to, i -> i + step)
                .mapToInt(i -> (int) i)
                .toArray();
    }

    private static long bound(Object value, long ifAbsent, int size, long step) {
        if (value == null) {
            return ifAbsent;
        }
        long bound = integer(value);
        if (bound < 0) {
            bound = Math.max(bound + size, step > 0 ? 0 : -1);
        }
        return Math.min(bound, step > 0 ? size : size - 1);
    }

    private static long integer(Object value) {
        return switch (value) {
            case Long n -> n;
            case Boolean b -> b ? 1 : 0;
            case java.math.BigInteger b ->
                    b.signum() < 0 ? -Long.MAX_VALUE / 2 : Long.MAX_VALUE / 2;
            default ->
                    throw JinjaException.type(
                            "slice indices must be integers or None or have an __index__ method");
        };
    }
}
