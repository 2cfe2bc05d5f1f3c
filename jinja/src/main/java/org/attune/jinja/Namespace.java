package org.attune.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/// What `namespace(…)` makes: the one object whose attributes a template may set.
final class Namespace {
    private final Map<String, Object> attributes = new LinkedHashMap<>();

    Map<String, Object> attributes() {
        return attributes;
    }

    void set(String name, Object value) {
        if (name.startsWith("_")) {
            throw JinjaException.of(
                    JinjaException.Kind.SECURITY,
                    "Chat templates cannot store underscore-prefixed attributes on a namespace,"
                            + " but got "
                            + Repr.of(name)
                            + ". Please rename the attribute.");
        }
        attributes.put(name, value);
    }
}
