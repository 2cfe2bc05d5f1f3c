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

    @Override
    public Iterator<Object> iterator() {
        return items.iterator();
    }
}
