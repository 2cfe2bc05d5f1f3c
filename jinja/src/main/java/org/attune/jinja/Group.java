package org.attune.jinja;

import java.util.List;

/// One group of the filter `groupby`: a pair whose parts have names.
final class Group extends Tuple implements HasAttributes {
    Group(Object grouper, List<Object> list) {
        super(java.util.Arrays.asList(grouper, list));
    }

    @Override
    public Object attribute(String name) {
        return switch (name) {
            case "grouper" -> get(0);
            case "list" -> get(1);
            default -> Absent.ABSENT;
        };
    }
}
