package org.attune.agents.tool;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/// A record, or a method's parameters: values by name.
///
/// @param constructor of the record
/// @param fields in order
record RecordArgument(Constructor<?> constructor, List<NamedArgument> fields)
        implements ArgumentType {
    static ArgumentType of(Class<?> type, Set<Class<?>> around) {
        if (around.contains(type)) {
            throw new IllegalArgumentException(
                    "record %s holds itself; a model can't be told of such a type"
                            .formatted(type.getName()));
        }
        var inside = new HashSet<>(around);
        inside.add(type);
        List<NamedArgument> fields =
                Stream.of(type.getRecordComponents()).map(c -> field(c, inside)).toList();
        Class<?>[] types =
                Stream.of(type.getRecordComponents())
                        .map(RecordComponent::getType)
                        .toArray(Class<?>[]::new);
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return new RecordArgument(constructor, fields);
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException(e); // every record has it
        }
    }

    private static NamedArgument field(RecordComponent component, Set<Class<?>> around) {
        return NamedArgument.of(
                component.getName(),
                component.getAnnotation(Arg.class),
                ArgumentType.of(component.getGenericType(), around));
    }

    @Override
    public Map<String, Object> schema() {
        return schema(fields);
    }

    /// An object with these properties; those that are not optional are required.
    static Map<String, Object> schema(List<NamedArgument> fields) {
        var properties = new LinkedHashMap<String, Object>();
        fields.forEach(field -> properties.put(field.name(), field.schema()));
        var schema = new LinkedHashMap<String, Object>();
        schema.put("type", "object");
        schema.put("properties", properties);
        List<String> required =
                fields.stream()
                        .filter(field -> !field.type().isOptional())
                        .map(NamedArgument::name)
                        .toList();
        if (!required.isEmpty()) {
            schema.put("required", required);
        }
        return schema;
    }

    @Override
    public Object read(Object json) {
        Map<?, ?> values = (Map<?, ?>) json;
        Object[] arguments = fields.stream().map(field -> field.read(values)).toArray();
        try {
            return constructor.newInstance(arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IllegalArgumentException refused) {
                throw refused;
            }
            throw new IllegalStateException(e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
