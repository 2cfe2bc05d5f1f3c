package org.attune.jinja;

import java.util.HashMap;
import java.util.Map;

/// Variables of one block. What isn't here is looked for in the block around it.
final class Scope {
    private final Scope outer;
    private final int depth;
    private final Map<String, Object> variables = new HashMap<>();

    /// @param outer the scope around this one, or null
    Scope(Scope outer) {
        this.outer = outer;
        this.depth = outer == null ? 0 : outer.depth + 1;
    }

    /// The variable's value, or an undefined value.
    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.outer) {
            Object value = scope.variables.get(name);
            if (value != null || scope.variables.containsKey(name)) {
                return value;
            }
        }
        return Undefined.variable(name);
    }

    /// How many scopes are around this one.
    int depth() {
        return depth;
    }

    void set(String name, Object value) {
        variables.put(name, value);
    }

    /// Makes a parameter that got no value.
    void declare(String name) {
        set(name, Undefined.because("parameter " + Repr.of(name) + " was not provided"));
    }
}
