package org.attune.text.jinja;

import org.attune.text.jinja.Builtin.Call;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

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

    private static Object map(Call c) {
        Iterator<Object> items = Sequences.iterate(c.get(0));
        if (c.more().isEmpty() && c.named().containsKey("attribute")) {
            for (String name : c.named().keySet()) {
                if (!name.equals("attribute") && !name.equals("default")) {
                    throw JinjaException.type("Unexpected keyword argument " + Repr.of(name));
                }
            }
            Keys keys = Keys.of(c.named().get("attribute"));
            Object ifMissing = c.named().get("default");
            return Generator.mapped(items, item -> keys.of(item, ifMissing));
        }
        if (c.more().isEmpty()) {
            throw JinjaException.type("map requires a filter argument");
        }
        String filter = Repr.text(c.more().getFirst());
        Arguments rest = new Arguments(c.more(), c.named()).from(1);
        return Generator.mapped(items, item -> Filters.apply(filter, rest.after(item)));
    }

    private static Object select(Call c, boolean wanted, boolean byAttribute) {
        int used = byAttribute ? 1 : 0;
        if (c.more().size() < used) {
            throw JinjaException.type("Missing parameter for attribute name");
        }
        Keys keys = byAttribute ? Keys.of(c.more().getFirst()) : Keys.of(null);
        Arguments rest = new Arguments(c.more(), c.named()).from(used);
        Iterator<Object> items = Sequences.iterate(c.get(0));
        if (rest.positional().isEmpty()) {
            return Generator.filtered(items, item -> Types.truth(keys.of(item, null)) == wanted);
        }
        String test = Repr.text(rest.positional().getFirst());
        Arguments arguments = rest.from(1);
        return Generator.filtered(
                items, item -> Tests.apply(test, arguments.after(keys.of(item, null))) == wanted);
    }

    private static Object sort(Call c) {
        Comparator<Object> order = Keys.order(c.get(3, null), c.truth(2, false));
        var items = new ArrayList<>(Sequences.list(c.get(0)));
        items.sort(c.truth(1, false) ? order.reversed() : order);
        return items;
    }

    private static Object dictSort(Call c) {
        if (!(c.get(0) instanceof Map<?, ?> map)) {
            throw JinjaException.type("dictsort needs a mapping, got " + Types.name(c.get(0)));
        }
        String by = c.text(2, "key");
        if (!by.equals("key") && !by.equals("value")) {
            throw JinjaException.value("You can only sort by either \"key\" or \"value\"");
        }
        Comparator<Object> order = Keys.order(by.equals("key") ? 0L : 1L, c.truth(1, false));
        var items = new ArrayList<>(DictView.pairs(map));
        items.sort(c.truth(3, false) ? order.reversed() : order);
        return items;
    }

    private static Object unique(Call c) {
        Keys keys = Keys.of(c.get(2, null));
        boolean caseSensitive = c.truth(1, false);
        Set<Object> seen = new HashSet<>();
        return Generator.filtered(
                Sequences.iterate(c.get(0)),
                item -> {
                    Object key = keys.of(item, null);
                    return seen.add(Dict.hashed(caseSensitive ? key : Keys.ignoringCase(key)));
                });
    }

    private static Object groupBy(Call c) {
        Keys keys = Keys.of(c.get(1));
        boolean caseSensitive = c.truth(3, false);
        Comparator<Object> order =
                (a, b) ->
                        Operators.order(
                                "<",
                                key(keys, a, c.get(2, null), caseSensitive),
                                key(keys, b, c.get(2, null), caseSensitive));
        var items = new ArrayList<>(Sequences.list(c.get(0)));
        items.sort(order);
        var groups = new ArrayList<>();
        List<Object> group = new ArrayList<>();
        for (Object item : items) {
            if (group.isEmpty() || order.compare(group.getFirst(), item) != 0) {
                group = new ArrayList<>();
                groups.add(new Group(keys.of(item, c.get(2, null)), group));
            }
            group.add(item);
        }
        return groups;
    }

    private static Object key(Keys keys, Object item, Object ifMissing, boolean caseSensitive) {
        Object key = keys.of(item, ifMissing);
        return caseSensitive ? key : Keys.ignoringCase(key);
    }

    private static Object sum(Call c) {
        Keys keys = Keys.of(c.get(1, null));
        Object sum = c.get(2, 0L);
        Iterator<Object> items = Sequences.iterate(c.get(0));
        while (items.hasNext()) {
            sum = Operators.arithmetic("+", sum, keys.of(items.next(), null));
        }
        return sum;
    }

    /// @param sign 1 for the greatest, -1 for the least
    private static Object extreme(Call c, int sign) {
        Comparator<Object> order = Keys.order(c.get(2, null), c.truth(1, false));
        Object best = Undefined.because("No aggregated item, sequence was empty.");
        Iterator<Object> items = Sequences.iterate(c.get(0));
        for (boolean first = true; items.hasNext(); first = false) {
            Object item = items.next();
            if (first || Integer.signum(order.compare(item, best)) == sign) {
                best = item;
            }
        }
        return best;
    }
}
