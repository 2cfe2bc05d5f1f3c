package org.attune.agents.tool;

import java.util.LinkedHashMap;
import java.util.Map;

/// A parameter of a method, or a component of a record.
///
/// @param name what the model calls it
/// @param description what the model is told; may be empty
/// @param type which values
record NamedArgument(String name, String description, ArgumentType type) {
    /// @param name in Java
    /// @param arg may be null
    static NamedArgument of(String name, Arg arg, ArgumentType type) {
        if (arg == null) {
            return new NamedArgument(name, "", type);
        }
        return new NamedArgument(arg.name().isEmpty() ? name : arg.name(), arg.value(), type);
    }

    Map<String, Object> schema() {
        var schema = new LinkedHashMap<>(type.schema());
        if (!description.isEmpty()) {
            schema.put("description", description);
        }
        return schema;
    }

    /// Reads the argument's value among those of a call.
    Object read(Map<?, ?> values) {
        Object value = values.get(name);
        if (value == null && type.isOptional()) {
            return type.absent();
        }
        try {
            return type.read(value);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("\"%s\": %s".formatted(name, e.getMessage()), e);
        }
    }
}
