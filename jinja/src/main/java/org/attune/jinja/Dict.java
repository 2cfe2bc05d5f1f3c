package org.attune.jinja;

import java.math.BigDecimal;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A dict that a template makes. Keys are equal as in Python (`1`, `1.0` and `true` are one key);
/// a key that is put again keeps its first form and its place.
final class Dict extends AbstractMap<Object, Object> {
    private final Map<Object, Entry<Object, Object>> entries = new LinkedHashMap<>();

    @Override
    public Object put(Object key, Object value) {
        Object hashed = hashed(key);
        Entry<Object, Object> old = entries.get(hashed);
        if (old != null) {
            return old.setValue(value);
        }
        Budget.items(1);
        entries.put(hashed, new SimpleEntry<>(key, value));
        return null;
    }

    @Override
    public Object get(Object key) {
        Entry<Object, Object> entry = entries.get(hashed(key));
        return entry == null ? null : entry.getValue();
    }

    @Override
    public boolean containsKey(Object key) {
        return entries.containsKey(hashed(key));
    }

    @Override
    public Set<Entry<Object, Object>> entrySet() {
        return new AbstractSet<>() {
            @Override
            public Iterator<Entry<Object, Object>> iterator() {
                return entries.values().iterator();
            }

            @Override
            public int size() {
                return entries.size();
            }
        };
    }

    /// Charged dearly, since tuples inside tuples are copied.
    private static Object hashed(Tuple tuple) {
        Budget.charge(16L * tuple.size());
        return new KeyTuple(tuple.stream().map(Dict::hashed).toList());
    }

    /// A form of `key` whose Java equality is Python's.
    ///
    /// @throws JinjaException if Python can't hash it
    static Object hashed(Object key) {
        return switch (key) {
            case null -> Dict.class; // any object that is no key otherwise
            case Boolean b -> b ? 1L : 0L;
            case Double d when d == Math.rint(d) && !Double.isInfinite(d) -> {
                Budget.charge(PercentFormat.DECIMAL / 8);
                yield JinjaNumbers.normal(new BigDecimal(d).toBigInteger());
            }
            case Undefined _ -> Undefined.class; // all are equal
            case String text -> Budget.text(text);
            case Markup markup -> Budget.text(markup.text());
            case Tuple tuple -> hashed(tuple);
            case Range _ -> key.toString();
            case DictView view when view.type().equals("dict_values") -> view;
            case List<?> _, Map<?, ?> _, DictView _ ->
                    throw JinjaException.type("unhashable type: " + Repr.of(Types.name(key)));
            default -> key;
        };
    }
}
