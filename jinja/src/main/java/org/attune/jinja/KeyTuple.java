package org.attune.jinja;

import java.util.List;

/// A tuple as a dict's key. Its hash depends on when the process began, so that a template can't
/// make many tuples of one hash: Java compares those one by one.
///
/// @param items forms of the tuple's items whose Java equality is Python's
record KeyTuple(List<Object> items) {
    private static final int FACTOR = (int) System.nanoTime() | 1;

    @Override
    public int hashCode() {
        int hash = FACTOR;
        for (Object item : items) {
            hash = (hash ^ (item instanceof String text ? hash(text) : item.hashCode())) * FACTOR;
            hash ^= hash >>> 15;
        }
        return hash;
    }

    private static int hash(String text) {
        int hash = text.length();
        for (int i = 0; i < text.length(); i++) {
            hash = (hash + text.charAt(i)) * FACTOR;
            hash ^= hash >>> 15;
        }
        return hash;
    }
}
