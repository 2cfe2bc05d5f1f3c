package org.attune.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// What a dict's `keys()`, `values()` and `items()` give: iterable, with a length, without indexes.
///
/// @param type  Python's name of the view
/// @param items what it shows
record DictView(String type, List<Object> items) implements Iterable<Object> {
    static DictView keys(Map<?, ?> map) {
        Budget.items(map.size());
        return new DictView("dict_keys", new ArrayList<>(map.keySet()));
    }

    static DictView values(Map<?, ?> map) {
        Budget.items(map.size());
        return new DictView("dict_values", new ArrayList<>(map.values()));
    }

    static DictView items(Map<?, ?> map) {
        return new DictView("dict_items", pairs(map));
    }

    /// The map's entries as tuples.
    static List<Object> pairs(Map<?, ?> map) {
        Budget.items(map.size());
        var pairs = new ArrayList<>(map.size());
        map.forEach((key, value) -> pairs.add(Tuple.of(key, value)));
        return pairs;
    }

    /// `==`: views of keys or entries are equal as sets, those of values never.
    boolean hasEqualItems(DictView other) {
        if (type.equals("dict_values") || !type.equals(other.type)) {
            return this == other;
        }
        boolean entries = type.equals("dict_items");
        var mine = new Dict();
        items.forEach(item -> put(mine, item, entries));
        var theirs = new Dict();
        other.items.forEach(item -> put(theirs, item, entries));
        return JinjaOperators.equal(mine, theirs);
    }

    private static void put(Dict dict, Object item, boolean entry) {
        if (entry) {
            dict.put(((Tuple) item).get(0), ((Tuple) item).get(1));
        } else {
            dict.put(item, null);
        }
    }

    /// Identity: what is in a view may take forever to look at.
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }

    @Override
    public Iterator<Object> iterator() {
        return items.iterator();
    }
}
