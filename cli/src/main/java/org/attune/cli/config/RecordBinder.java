package org.attune.cli.config;

import org.attune.trainers.config.ConfigNames;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.config.UnsetAt;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/// Fills configuration records from settings by the names of their components. Nested records
/// share the file's flat keys; records in lists have their own keys.
final class RecordBinder {
    private final Map<String, Setting> settings;
    private final Problems problems;
    private final Set<String> unread = new HashSet<>();

    RecordBinder(Map<String, Setting> settings, Problems problems) {
        this.settings = settings;
        this.problems = problems;
    }

    /// A copy of the defaults with what is set; values that don't fit are reported and stay.
    <T extends Record> T bind(T defaults) {
        RecordComponent[] components = defaults.getClass().getRecordComponents();
        var values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            Object standard = ResolvedConfig.value(defaults, components[i]);
            values[i] =
                    standard instanceof Record part && !hasParser(components[i].getType())
                            ? bind(part)
                            : value(components[i], standard);
        }
        @SuppressWarnings("unchecked") // getClass() of a T
        var type = (Class<T>) defaults.getClass();
        return construct(type, components, values);
    }

    /// The flat keys of a record and its nested records, with the types of their values.
    static Map<String, Type> types(Record defaults) {
        var types = new TreeMap<String, Type>();
        for (RecordComponent component : defaults.getClass().getRecordComponents()) {
            if (ResolvedConfig.value(defaults, component) instanceof Record part
                    && !hasParser(component.getType())) {
                types.putAll(types(part));
            } else {
                types.put(ConfigNames.key(component.getName()), component.getGenericType());
            }
        }
        return types;
    }

    private Object value(RecordComponent component, Object standard) {
        Setting setting = settings.get(ConfigNames.key(component.getName()));
        if (setting == null) {
            return standard;
        }
        try {
            boolean optional = component.getType().getSimpleName().startsWith("Optional");
            if (setting.value().isNull() && !optional) {
                return standard;
            }
            if (isUnset(component, setting.value())) {
                return convert(component.getGenericType(), new YamlNode.Scalar("", true, 0));
            }
            return convert(component.getGenericType(), setting.value());
        } catch (BadValue e) {
            problems.add(setting.where(), e.about(setting.key()));
            unread.add(setting.key());
            return standard;
        }
    }

    /// Keys whose values didn't fit, in whose place there are defaults.
    Set<String> unread() {
        return unread;
    }

    private static boolean isUnset(RecordComponent component, YamlNode value) {
        UnsetAt unset = component.getAnnotation(UnsetAt.class);
        return unset != null && value.toString().equals(unset.value());
    }

    private static Object convert(Type type, YamlNode node) throws BadValue {
        if (type instanceof ParameterizedType generic) {
            Type last =
                    generic.getActualTypeArguments()[generic.getActualTypeArguments().length - 1];
            if (generic.getRawType() == Optional.class) {
                return isEmpty(node) ? Optional.empty() : Optional.of(convert(last, node));
            }
            return generic.getRawType() == List.class ? list(last, node) : map(last, node);
        }
        var raw = (Class<?>) type;
        if (raw == Object.class) {
            return plain(node);
        }
        if (raw == OptionalInt.class) {
            return isEmpty(node)
                    ? OptionalInt.empty()
                    : OptionalInt.of((int) ScalarValues.convert(int.class, node));
        }
        if (raw == OptionalLong.class) {
            return isEmpty(node)
                    ? OptionalLong.empty()
                    : OptionalLong.of((long) ScalarValues.convert(long.class, node));
        }
        if (raw == OptionalDouble.class) {
            return isEmpty(node)
                    ? OptionalDouble.empty()
                    : OptionalDouble.of((double) ScalarValues.convert(double.class, node));
        }
        if (hasParser(raw)) {
            String text = (String) ScalarValues.convert(String.class, node);
            try {
                return call(raw, "parse", text);
            } catch (IllegalArgumentException e) {
                throw new BadValue(node, e.getMessage());
            }
        }
        return ScalarValues.isScalar(raw) ? ScalarValues.convert(raw, node) : element(raw, node);
    }

    /// Texts, numbers, truth values, lists and maps as they stand, for code that knows their form.
    private static Object plain(YamlNode node) throws BadValue {
        return switch (node) {
            case YamlNode.Items items -> list(Object.class, items);
            case YamlNode.Fields fields -> map(Object.class, fields);
            case YamlNode.Scalar scalar -> ScalarValues.convert(Object.class, scalar);
        };
    }

    private static List<Object> list(Type type, YamlNode node) throws BadValue {
        if (!(node instanceof YamlNode.Items items)) {
            return isEmpty(node) ? List.of() : List.of(convert(type, node));
        }
        List<Object> values = new ArrayList<>();
        for (YamlNode item : items.items()) {
            try {
                values.add(convert(type, item));
            } catch (BadValue e) {
                throw e.inside("[" + values.size() + "]");
            }
        }
        return values;
    }

    private static Map<String, Object> map(Type type, YamlNode node) throws BadValue {
        Map<String, Object> values = new LinkedHashMap<>();
        switch (node) {
            case YamlNode.Fields fields -> {
                for (YamlNode.Field field : fields.fields()) {
                    try {
                        values.put(field.key(), convert(type, field.value()));
                    } catch (BadValue e) {
                        throw e.inside("." + field.key());
                    }
                }
            }
            // TRL names columns to keep by a list: each is taken under its own name.
            case YamlNode.Items items when type == String.class -> {
                for (YamlNode item : items.items()) {
                    String name = (String) ScalarValues.convert(String.class, item);
                    values.put(name, name);
                }
            }
            // transformers takes such a value as JSON text too.
            case YamlNode.Scalar(String text, boolean _, int _)
                    when text.strip().startsWith("{") -> {
                return map(type, YamlText.parse("value", text, new Problems()));
            }
            case YamlNode.Scalar scalar when isEmpty(scalar) -> {}
            default -> throw new BadValue(node, "names with values, such as {name: value}");
        }
        return values;
    }

    /// A record in a list: an object with its own keys, or its main value alone.
    private static Object element(Class<?> type, YamlNode node) throws BadValue {
        if (node instanceof YamlNode.Scalar scalar && !scalar.isNull()) {
            return call(type, "of", scalar.text());
        }
        RecordComponent[] components = type.getRecordComponents();
        List<String> names =
                Arrays.stream(components).map(c -> ConfigNames.key(c.getName())).toList();
        if (!(node instanceof YamlNode.Fields fields)) {
            throw new BadValue(node, "an object with " + String.join(", ", names));
        }
        var values = new Object[components.length];
        Object defaults = call(type, "defaults");
        for (int i = 0; i < components.length; i++) {
            values[i] = ResolvedConfig.value((Record) defaults, components[i]);
        }
        for (YamlNode.Field field : fields.fields()) {
            int at = names.indexOf(field.key());
            if (at < 0) {
                throw new BadValue(
                        "." + field.key(), "unknown", "one of " + String.join(", ", names));
            }
            if (!field.value().isNull()) {
                try {
                    values[at] = convert(components[at].getGenericType(), field.value());
                } catch (BadValue e) {
                    throw e.inside("." + field.key());
                }
            }
        }
        return construct(type, components, values);
    }

    private static boolean isEmpty(YamlNode node) {
        return node instanceof YamlNode.Scalar scalar
                && (scalar.isNull() || scalar.text().isEmpty());
    }

    static boolean hasParser(Class<?> type) {
        return Arrays.stream(type.getMethods()).anyMatch(m -> m.getName().equals("parse"));
    }

    private static Object call(Class<?> type, String method, String... argument) {
        try {
            Class<?>[] types =
                    argument.length == 0 ? new Class<?>[0] : new Class<?>[] {String.class};
            Method target = type.getMethod(method, types);
            return target.invoke(null, (Object[]) argument);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IllegalArgumentException refused) {
                throw refused; // its message says what is accepted
            }
            throw new IllegalStateException(type + "." + method + " failed", e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(type + " needs a static " + method, e);
        }
    }

    private static <T> T construct(Class<T> type, RecordComponent[] components, Object[] values) {
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        try {
            Constructor<T> canonical = type.getDeclaredConstructor(types);
            return canonical.newInstance(values);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(type + " refused " + Arrays.toString(values), e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("no canonical constructor in " + type, e);
        }
    }
}
