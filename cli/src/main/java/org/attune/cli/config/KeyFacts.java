package org.attune.cli.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import org.attune.files.MemorySize;
import org.attune.json.Json;
import org.attune.trainers.config.ConfigNames;
import org.attune.trainers.config.InRange;
import org.attune.trainers.config.InRangeValidator;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.Secret;
import org.attune.trainers.config.WiderRange;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.report.RunReporters;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// What the keys of a method accept and what they stand at, as the records say it.
public final class KeyFacts {

    /// The key whose accepted names depend on what reporters there are.
    static final String REPORT_TO = "report_to";

    private final Map<String, RecordComponent> components = new HashMap<>();
    private final Map<String, InRange> ranges = new HashMap<>();
    private final Map<String, Object> defaults;

    private KeyFacts(Record config) {
        collect(config);
        defaults = ResolvedConfig.flat(config);
    }

    public static KeyFacts of(TrainingMethod<?, ?> method) {
        return new KeyFacts(method.defaults());
    }

    /// The keys of a command that trains nothing.
    static KeyFacts ofCommand(Record defaults) {
        return new KeyFacts(defaults);
    }

    private void collect(Record config) {
        for (RecordComponent component : config.getClass().getRecordComponents()) {
            if (ResolvedConfig.value(config, component) instanceof Record part
                    && !RecordBinder.hasParser(component.getType())) {
                collect(part);
                range(component.getAnnotation(WiderRange.class));
            } else {
                String key = ConfigNames.key(component.getName());
                components.put(key, component);
                ranges.put(key, component.getAnnotation(InRange.class));
            }
        }
    }

    private void range(WiderRange wider) {
        if (wider != null) {
            ranges.put(ConfigNames.key(wider.of()), wider.range());
        }
    }

    /// The value where a file says nothing, in YAML; `unset`, `required` or `none` where there is
    /// none.
    public String standard(Key key) {
        boolean ours = key.outcome() == Key.Outcome.OBEYED && defaults.containsKey(key.name());
        Object value = ours ? defaults.get(key.name()) : null;
        return switch (value) {
            case null ->
                    ours || key.foreignDefault().equals("null") ? "unset" : key.foreignDefault();
            case String s when s.isEmpty() -> "required";
            case String s when s.isBlank() || s.contains("\n") -> key.foreignDefault(); // escaped
            case List<?> list when list.isEmpty() ->
                    key.name().equals("datasets") ? "required" : "none";
            default -> value.toString();
        };
    }

    /// The record component that takes a key's value; empty if the key is rewritten or not obeyed.
    Optional<RecordComponent> component(Key key) {
        return Optional.ofNullable(components.get(key.name()));
    }

    /// The numbers that a key accepts; empty if any.
    Optional<InRange> range(Key key) {
        return Optional.ofNullable(ranges.get(key.name()));
    }

    /// The value where a file says nothing, as YAML and JSON have it; empty if it is unset.
    Optional<Object> value(Key key) {
        return Optional.ofNullable(defaults.get(key.name()));
    }

    /// What values are taken, in words: `a number > 0`, or names to choose from.
    public String accepted(Key key) {
        RecordComponent component = components.get(key.name());
        if (component == null) {
            return foreign(key);
        }
        if (key.name().equals(REPORT_TO)) {
            return "one or more: " + String.join(", ", RunReporters.names());
        }
        return words(component.getGenericType(), ranges.get(key.name()));
    }

    /// The values among which a key's is; empty if there are too many to list.
    public List<String> choices(Key key) {
        if (key.name().equals(REPORT_TO)) {
            return RunReporters.names();
        }
        RecordComponent component = components.get(key.name());
        Class<?> type = component == null ? null : raw(innermost(component.getGenericType()));
        if (type == boolean.class
                || type == Boolean.class
                || component == null && foreign(key).equals("true or false")) {
            return List.of("true", "false");
        }
        return type != null && type.isEnum()
                ? List.of(ScalarValues.accepted(type).split(", "))
                : List.of();
    }

    /// Keys that are rewritten into others have no component: what they are is what TRL has.
    private static String foreign(Key key) {
        try {
            JsonNode standard = Json.tree(key.foreignDefault());
            boolean truth = standard.isBoolean() || key.name().equals("bf16");
            return truth ? "true or false" : standard.isObject() ? "names with values" : "text";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("keys.tsv: default of " + key.name(), e);
        }
    }

    private static String words(Type type, InRange range) {
        Type inner = innermost(type);
        Class<?> outer = raw(type);
        if (outer == Map.class) {
            return "names with values";
        }
        String one = single(raw(inner), range);
        return outer == List.class ? "one or more: " + one : one;
    }

    private static String single(Class<?> type, InRange range) {
        boolean whole =
                type == int.class
                        || type == long.class
                        || type == OptionalInt.class
                        || type == OptionalLong.class;
        if (whole || type == double.class || type == Double.class || type == OptionalDouble.class) {
            return range == null
                    ? whole ? "a whole number" : "a number"
                    : InRangeValidator.accepted(range, whole).replace("a finite", "a");
        }
        if (type == Resume.class) {
            return "true, false or a path";
        }
        if (type == MemorySize.class) {
            return "a size, such as 8GiB";
        }
        if (type == Secret.class) {
            return "text";
        }
        if (type == Object.class || type.isRecord()) {
            return "text or names with values";
        }
        return ScalarValues.isScalar(type) ? ScalarValues.accepted(type) : "text";
    }

    private static Type innermost(Type type) {
        if (type instanceof ParameterizedType generic) {
            Type[] arguments = generic.getActualTypeArguments();
            return innermost(arguments[arguments.length - 1]);
        }
        return type;
    }

    private static Class<?> raw(Type type) {
        return type instanceof ParameterizedType generic
                ? (Class<?>) generic.getRawType()
                : (Class<?>) type;
    }
}
