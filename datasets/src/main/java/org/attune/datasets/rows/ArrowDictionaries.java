package org.attune.datasets.rows;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The dictionaries of an Arrow file: values of which columns have only the places.
final class ArrowDictionaries {
    private final Map<Long, List<ArrowVector>> parts = new HashMap<>();

    /// Takes a dictionary in.
    ///
    /// @param delta whether the values follow those that are there, else they replace them
    void put(long id, ArrowVector values, boolean delta) {
        List<ArrowVector> all = parts.computeIfAbsent(id, _ -> new ArrayList<>());
        if (!delta) {
            all.clear();
        }
        all.add(values);
    }

    boolean has(long id) {
        return parts.containsKey(id);
    }

    /// The value at a place of a dictionary.
    ///
    /// @throws IndexOutOfBoundsException if there is none
    Object at(long id, long place) {
        long left = place;
        for (ArrowVector part : parts.getOrDefault(id, List.of())) {
            if (left < part.length()) {
                return part.at(left);
            }
            left -= part.length();
        }
        throw new IndexOutOfBoundsException("a value is missing in its dictionary");
    }
}
