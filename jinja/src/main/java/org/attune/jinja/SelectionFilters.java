package org.attune.jinja;

import org.attune.jinja.Builtin.Call;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/// Filters that look at each item: select, change, sort, group, add up.
final class SelectionFilters {
    private SelectionFilters() {}

    static void register(Filters.Registry filters) {
        filters.define("map", "value * **", SelectionFilters::map);
        filters.define("select", "value * **", c -> select(c, true, false));
        filters.define("reject", "value * **", c -> select(c, false, false));
        filters.define("selectattr", "value * **", c -> select(c, true, true));
        filters.define("rejectattr", "value * **", c -> select(c, false, true));
        filters.define("sort", "value reverse? case_sensitive? attribute?", SelectionFilters::sort);
        filters.define(
                "dictsort", "value case_sensitive? by? reverse?", SelectionFilters::dictSort);
        filters.define("unique", "value case_sensitive? attribute?", SelectionFilters::unique);
        filters.define(
                "groupby", "value attribute default? case_sensitive?", SelectionFilters::groupBy);
        filters.define("sum", "iterable attribute? start?", SelectionFilters::sum);
        filters.define("min", "value case_sensitive? attribute?", c -> extreme(c, -1));
        filters.define("max", "value case_sensitive? attribute?", c -> extreme(c, 1));
    }

    /// Goes through the items of `value` that `items` makes of it; a falsy value (none, an empty
    /// text, 0 …) has no items, and what can't be gone through is an error at the first one.
    private static LazySequence lazily(Object value, UnaryOperator<Iterator<Object>> items) {
        return LazySequence.of(
                () ->
                        Types.truth(value)
                                ? items.apply(Sequences.iterate(value))
                                : Collections.emptyIterator());
    }

    private static Object map(Call c) {
        return lazily(
                c.get(0),
                items -> {
                    UnaryOperator<Object> function = mapping(c);
                    return LazySequence.mapped(items, function);
                });
    }

    private static UnaryOperator<Object> mapping(Call c) {
        if (c.more().isEmpty() && c.named().containsKey("attribute")) {
            for (String name : c.named().keySet()) {
                if (!name.equals("attribute") && !name.equals("default")) {
                    throw JinjaException.type("Unexpected keyword argument " + Repr.of(name));
                }
            }
            Keys keys = Keys.of(c.named().get("attribute"));
            Object ifMissing = c.named().get("default");
            return item -> keys.of(item, ifMissing);
        }
        if (c.more().isEmpty()) {
            throw JinjaException.type("map requires a filter argument");
        }
        String filter = Repr.text(c.more().getFirst());
        Arguments rest = new Arguments(c.more(), c.named()).from(1);
        return item -> Filters.apply(filter, rest.after(item));
    }

    private static Object select(Call c, boolean wanted, boolean byAttribute) {
        return lazily(
                c.get(0),
                items -> {
                    Predicate<Object> test = test(c, byAttribute ? 1 : 0);
                    return LazySequence.filtered(items, item -> test.test(item) == wanted);
                });
    }

    /// @param used 1 if the first argument names an attribute to look at, 0 otherwise
    private static Predicate<Object> test(Call c, int used) {
        if (c.more().size() < used) {
            throw JinjaException.type("Missing parameter for attribute name");
        }
        Keys keys = Keys.of(used == 1 ? c.more().getFirst() : null);
        Arguments rest = new Arguments(c.more(), c.named()).from(used);
        if (rest.positional().isEmpty()) {
            return item -> Types.truth(keys.of(item, null));
        }
        String test = Repr.text(rest.positional().getFirst());
        Arguments arguments = rest.from(1);
        return item -> Tests.apply(test, arguments.after(keys.of(item, null)));
    }

    private static Object sort(Call c) {
        UnaryOperator<Object> key = Keys.several(c.get(3, null), c.truth(2, false));
        return sorted(Sequences.list(c.get(0)), key, c.whether(1));
    }

    /// An item with what it is sorted by.
    private record Keyed(Object key, Object item) {}

    private static List<Keyed> keyed(List<Object> items, UnaryOperator<Object> key) {
        var keyed = new ArrayList<Keyed>(items.size());
        for (Object item : items) {
            Budget.charge(2);
            keyed.add(new Keyed(key.apply(item), item));
        }
        return keyed;
    }

    private static List<Object> sorted(
            List<Object> items, UnaryOperator<Object> key, boolean reverse) {
        List<Keyed> keyed = keyed(items, key);
        Comparator<Keyed> order = (a, b) -> JinjaOperators.order("<", a.key(), b.key());
        keyed.sort(reverse ? order.reversed() : order);
        var sorted = new ArrayList<>(keyed.size());
        keyed.forEach(one -> sorted.add(one.item()));
        return sorted;
    }

    private static Object dictSort(Call c) {
        Object by = c.get(2, "key");
        if (!"key".equals(by) && !"value".equals(by)) {
            throw JinjaException.value("You can only sort by either \"key\" or \"value\"");
        }
        Map<?, ?> map = c.mapping(0);
        Keys part = Keys.of("key".equals(by) ? 0L : 1L);
        boolean caseSensitive = c.truth(1, false);
        return sorted(
                DictView.pairs(map), pair -> part.of(pair, null, caseSensitive), c.whether(3));
    }

    private static Object unique(Call c) {
        Keys keys = Keys.of(c.get(2, null));
        boolean caseSensitive = c.truth(1, false);
        Set<Object> seen = new HashSet<>();
        return LazySequence.of(
                () ->
                        LazySequence.filtered(
                                Sequences.iterate(c.get(0)),
                                item -> seen.add(Dict.hashed(keys.of(item, null, caseSensitive)))));
    }

    private static Object groupBy(Call c) {
        Keys keys = Keys.of(c.get(1));
        boolean caseSensitive = c.truth(3, false);
        Object ifMissing = c.get(2, null);
        List<Keyed> items =
                keyed(Sequences.list(c.get(0)), item -> keys.of(item, ifMissing, caseSensitive));
        items.sort((a, b) -> JinjaOperators.order("<", a.key(), b.key()));
        var groups = new ArrayList<>();
        List<Object> group = new ArrayList<>();
        Object last = Absent.ABSENT;
        for (Keyed one : items) {
            if (last instanceof Absent || !JinjaOperators.equal(last, one.key())) {
                group = new ArrayList<>();
                groups.add(new Group(keys.of(one.item(), ifMissing), group));
            }
            last = one.key();
            group.add(one.item());
        }
        return groups;
    }

    private static Object sum(Call c) {
        Keys keys = Keys.of(c.get(1, null));
        Object sum = c.get(2, 0L);
        Iterator<Object> items = Sequences.iterate(c.get(0));
        if (Types.isString(sum)) {
            throw JinjaException.type("sum() can't sum strings [use ''.join(seq) instead]");
        }
        while (items.hasNext()) {
            Budget.charge(1);
            sum = JinjaOperators.arithmetic("+", sum, keys.of(items.next(), null));
        }
        return sum;
    }

    /// @param sign 1 for the greatest, -1 for the least
    private static Object extreme(Call c, int sign) {
        Keys keys = Keys.of(c.get(2, null));
        boolean caseSensitive = c.truth(1, false);
        Iterator<Object> items = Sequences.iterate(c.get(0));
        Keyed best = null;
        while (items.hasNext()) {
            Budget.charge(1);
            Object item = items.next();
            var next = new Keyed(keys.of(item, null, caseSensitive), item);
            String operator = sign > 0 ? ">" : "<";
            if (best == null
                    || Integer.signum(JinjaOperators.order(operator, next.key(), best.key()))
                            == sign) {
                best = next;
            }
        }
        return best == null
                ? Undefined.because("No aggregated item, sequence was empty.")
                : best.item();
    }
}
