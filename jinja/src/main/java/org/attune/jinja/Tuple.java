package org.attune.jinja;

import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;

/// Python's tuple: a list that is unequal to lists and prints with parentheses.
sealed class Tuple extends AbstractList<Object> implements RandomAccess permits Group {
    private final List<Object> items;

    Tuple(List<Object> items) {
        this.items = items;
    }

    static Tuple of(Object... items) {
        return new Tuple(java.util.Arrays.asList(items));
    }

    @Override
    public Object get(int index) {
        return items.get(index);
    }

    @Override
    public int size() {
        return items.size();
    }
}
