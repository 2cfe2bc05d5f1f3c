package org.attune.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// The part of an item that a filter's argument `attribute` names: `role`, `function.name`, `0`.
///
/// @param path names and indexes, from the outside in; empty for the item itself
record Keys(List<Object> path) {
    static Keys of(Object attribute) {
        if (attribute == null) {
            return new Keys(List.of());
        }
        if (!Types.isString(attribute)) {
            return new Keys(List.of(attribute));
        }
        var path = new ArrayList<>();
        for (Object part : Strings.split(Repr.text(attribute), ".", -1)) {
            String name = (String) part;
            boolean index =
                    !name.isEmpty()
                            && name.length() < 10
                            && name.chars().allMatch(Character::isDigit);
            path.add(index ? (Object) Long.parseLong(name) : name);
        }
        return new Keys(path);
    }

    /// @param ifMissing instead of an undefined value, or null
    Object of(Object item, Object ifMissing) {
        Object value = item;
        for (Object key : path) {
            Budget.charge(1);
            value = Attributes.item(value, key);
            if (ifMissing != null && value instanceof Undefined) {
                value = ifMissing;
            }
        }
        return value;
    }

    /// The sort key of an item, in small letters unless case counts.
    Object of(Object item, Object ifMissing, boolean caseSensitive) {
        Object value = of(item, ifMissing);
        return caseSensitive ? value : ignoringCase(value);
    }

    private static Object ignoringCase(Object value) {
        if (!Types.isString(value)) {
            return value;
        }
        Budget.characters(Repr.text(value).length());
        return Strings.lower(Repr.text(value));
    }

    /// What items are sorted by: the list of several attributes, separated by commas.
    static UnaryOperator<Object> several(Object attributes, boolean caseSensitive) {
        var keys = new ArrayList<Keys>();
        if (Types.isString(attributes)) {
            Strings.split(Repr.text(attributes), ",", -1).forEach(name -> keys.add(of(name)));
        } else {
            keys.add(of(attributes));
        }
        return item -> {
            Budget.charge(keys.size());
            var values = new ArrayList<>(keys.size());
            keys.forEach(key -> values.add(key.of(item, null, caseSensitive)));
            return values;
        };
    }
}
