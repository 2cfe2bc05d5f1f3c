package org.attune.text.jinja;

import org.attune.text.jinja.Builtin.Call;

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
        if (c.get(0) instanceof Generator) {
            throw JinjaException.type("'generator' object is not reversible");
        }
        List<Object> items = Sequences.list(c.get(0));
        return items.isEmpty()
                ? Undefined.because("No last item, sequence was empty.")
                : items.getLast();
    }

    private static Object reverse(Call c) {
        if (Types.isString(c.get(0))) {
            return Sequences.slice(c.get(0), null, null, -1L);
        }
        var items = new ArrayList<>(Sequences.list(c.get(0)));
        Collections.reverse(items);
        return new Generator(items.iterator());
    }

    private static Object join(Call c) {
        Keys keys = Keys.of(c.get(2, null));
        String separator = Repr.text(c.get(1, ""));
        var out = new StringBuilder();
        Iterator<Object> items = Sequences.iterate(c.get(0));
        for (boolean first = true; items.hasNext(); first = false) {
            out.append(first ? "" : separator).append(Repr.text(keys.of(items.next(), null)));
            Limits.requireLength(out.length());
        }
        return out.toString();
    }

    private static Object items(Call c) {
        return switch (c.get(0)) {
            case Undefined _ -> new Generator(Collections.emptyIterator());
            case Map<?, ?> map -> new Generator(DictView.pairs(map).iterator());
            case null, default ->
                    throw JinjaException.type("Can only get item pairs from a mapping.");
        };
    }

    private static Object attribute(Call c) {
        Object value = Attributes.own(c.get(0), c.soft(1));
        return value instanceof Absent ? Undefined.member(c.get(0), c.soft(1)) : value;
    }

    private static Object batch(Call c) {
        long size = c.integer(1, 1);
        Limits.requireLength(size);
        var batches = new ArrayList<>();
        List<Object> batch = new ArrayList<>();
        for (Object item : Sequences.list(c.get(0))) {
            if (batch.size() == size) {
                batches.add(batch);
                batch = new ArrayList<>();
            }
            batch.add(item);
        }
        if (!batch.isEmpty()) {
            while (c.get(2, null) != null && batch.size() < size) {
                batch.add(c.get(2));
            }
            batches.add(batch);
        }
        return new Generator(batches.iterator());
    }

    private static Object slices(Call c) {
        List<Object> items = Sequences.list(c.get(0));
        long count = c.integer(1, 1);
        if (count < 1) {
            throw JinjaException.value("the number of slices must be positive");
        }
        Limits.requireLength(count);
        int each = (int) (items.size() / count);
        int longer = (int) (items.size() % count);
        var slices = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < count; i++) {
            int to = from + each + (i < longer ? 1 : 0);
            var slice = new ArrayList<>(items.subList(from, to));
            if (c.get(2, null) != null && longer > 0 && i >= longer) {
                slice.add(c.get(2));
            }
            slices.add(slice);
            from = to;
        }
        return new Generator(slices.iterator());
    }
}
