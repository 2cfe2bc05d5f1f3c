package org.attune.jinja;

import java.util.List;
import java.util.Map;

/// Arguments of one call, evaluated.
///
/// @param positional values in order
/// @param named      values by name, in order
record Arguments(List<Object> positional, Map<String, Object> named) {
    /// Arguments that are copied in the time of one unit of work.
    private static final int PER_UNIT = 8;

    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(Object... positional) {
        return new Arguments(java.util.Arrays.asList(positional), Map.of());
    }

    /// Puts another argument before the positional ones.
    Arguments after(Object first) {
        Budget.charge(positional.size() / PER_UNIT + named.size());
        var all = new java.util.ArrayList<>(positional.size() + 1);
        all.add(first);
        all.addAll(positional);
        return new Arguments(all, named);
    }

    /// Leaves out the first `count` positional arguments.
    Arguments from(int count) {
        return new Arguments(positional.subList(count, positional.size()), named);
    }
}
