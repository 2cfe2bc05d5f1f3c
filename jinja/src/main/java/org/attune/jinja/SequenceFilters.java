package org.attune.jinja;

import org.attune.jinja.Builtin.Call;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// Filters on whole lists and dicts, and those for values that may be missing.
final class SequenceFilters {
    private SequenceFilters() {}

    static void register(Filters.Registry filters) {
        filters.define("default", "value default_value? boolean?", SequenceFilters::ifMissing);
        filters.define("d", "value default_value? boolean?", SequenceFilters::ifMissing);
        filters.define("length", "value", c -> Sequences.length(c.get(0)));
        filters.define("count", "value", c -> Sequences.length(c.get(0)));
        filters.define("list", "value", c -> Sequences.list(c.get(0)));
        filters.define("first", "seq", SequenceFilters::first);
        filters.define("last", "seq", SequenceFilters::last);
        // Rendering is a pure function of its input, so a random item is always the same one.
        filters.define("random", "seq", SequenceFilters::first);
        filters.define("reverse", "value", SequenceFilters::reverse);
        filters.define("join", "value d? attribute?", SequenceFilters::join);
        filters.define("items", "value", SequenceFilters::items);
        filters.define("attr", "obj name", SequenceFilters::attribute);
        filters.define("batch", "value linecount fill_with?", SequenceFilters::batch);
        filters.define("slice", "value slices fill_with?", SequenceFilters::slices);
    }

    private static Object ifMissing(Call c) {
        boolean missing = c.get(0) instanceof Undefined;
        boolean falsy = c.truth(2, false) && !Types.truth(c.get(0));
        return missing || falsy ? c.get(1, "") : c.get(0);
    }

    private static Object first(Call c) {
        Iterator<Object> items = Sequences.iterate(c.get(0));
        return items.hasNext()
                ? items.next()
                : Undefined.because("No first item, sequence was empty.");
    }

    private static Object last(Call c) {
        Iterator<Object> items = reversed(c.get(0));
        if (items == null) {
            throw JinjaException.type(Repr.of(Types.name(c.get(0))) + " object is not reversible");
        }
        return items.hasNext()
                ? items.next()
                : Undefined.because("No last item, sequence was empty.");
    }

    private static Object reverse(Call c) {
        if (Types.isString(c.get(0))) {
            return Sequences.slice(c.get(0), null, null, -1L);
        }
        Iterator<Object> items = reversed(c.get(0));
        if (items != null) {
            return LazySequence.of(() -> items);
        }
        if (!Sequences.isIterable(c.get(0))) {
            throw JinjaException.type("argument must be iterable");
        }
        var all = new ArrayList<>(Sequences.list(c.get(0)));
        Collections.reverse(all);
        return all;
    }

    /// The items from the last to the first, or null for what can't be gone through that way.
    private static Iterator<Object> reversed(Object value) {
        return switch (value) {
            case List<?> list -> Collections.<Object>unmodifiableList(list).reversed().iterator();
            case Map<?, ?> map -> DictView.keys(map).items().reversed().iterator();
            case DictView view -> view.items().reversed().iterator();
            case Undefined _ -> Collections.emptyIterator();
            case String _, Markup _ -> Sequences.reversedCharacters(Repr.text(value));
            case null, default -> null;
        };
    }

    private static Object join(Call c) {
        Keys keys = Keys.of(c.get(2, null));
        String separator = Repr.text(c.get(1, ""));
        var out = new StringBuilder();
        Iterator<Object> items = Sequences.iterate(c.get(0));
        for (boolean first = true; items.hasNext(); first = false) {
            String item = Repr.text(keys.of(items.next(), null));
            Budget.charge(2);
            Budget.characters(separator.length() + (double) item.length());
            out.append(first ? "" : separator).append(item);
            Limits.requireLength(out.length());
        }
        return out.toString();
    }

    private static Object items(Call c) {
        return LazySequence.of(
                () ->
                        switch (c.get(0)) {
                            case Undefined _ -> Collections.emptyIterator();
                            case Map<?, ?> map -> DictView.pairs(map).iterator();
                            case null, default ->
                                    throw JinjaException.type(
                                            "Can only get item pairs from a mapping.");
                        });
    }

    private static Object attribute(Call c) {
        if (c.get(0) instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (!Types.isString(c.get(1))) {
            throw JinjaException.type(
                    "attribute name must be string, not " + Repr.of(Types.name(c.get(1))));
        }
        Object value = Attributes.own(c.get(0), c.soft(1));
        return value instanceof Absent ? Undefined.member(c.get(0), c.soft(1)) : value;
    }

    private static Object batch(Call c) {
        return LazySequence.of(
                () -> batches(Sequences.iterate(c.get(0)), c.get(1), c.get(2, null)).iterator());
    }

    private static List<Object> batches(Iterator<Object> items, Object size, Object fill) {
        var batches = new ArrayList<>();
        List<Object> batch = new ArrayList<>();
        while (items.hasNext()) {
            Budget.items(1);
            if (JinjaOperators.equal((long) batch.size(), size)) {
                batches.add(batch);
                batch = new ArrayList<>();
            }
            batch.add(items.next());
        }
        if (!batch.isEmpty()) {
            if (fill != null && JinjaOperators.compare("<", (long) batch.size(), size)) {
                Object missing = JinjaOperators.arithmetic("-", size, (long) batch.size());
                batch.addAll(
                        Sequences.list(JinjaOperators.arithmetic("*", Tuple.of(fill), missing)));
            }
            batches.add(batch);
        }
        return batches;
    }

    private static Object slices(Call c) {
        return LazySequence.of(
                () -> slices(Sequences.list(c.get(0)), c, c.get(2, null)).iterator());
    }

    private static List<Object> slices(List<Object> items, Call c, Object fill) {
        // For its error: only a number divides.
        JinjaOperators.arithmetic("//", (long) items.size(), c.get(1));
        long count = c.integer(1, 0);
        Budget.items(Math.max(0, count));
        long each = Math.floorDiv(items.size(), count);
        long longer = Math.floorMod(items.size(), count);
        var slices = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < count; i++) {
            int to = (int) (from + each + (i < longer ? 1 : 0));
            Budget.items(to - from + 1);
            var slice = new ArrayList<>(items.subList(from, to));
            if (fill != null && i >= longer) {
                slice.add(fill);
            }
            slices.add(slice);
            from = to;
        }
        return slices;
    }
}
