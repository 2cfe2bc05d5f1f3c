package org.attune.trainers.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;

import org.attune.error.Secrets;
import org.attune.files.MemorySize;
import org.attune.reward.RewardFunction;
import org.attune.reward.WeightedReward;

import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;

/// A configuration as a run's file with every key in it; read back, it gives the same records,
/// unless it has rewards that are objects, and but for secrets: these have a mask in their place.
public final class ResolvedConfig {
    private static final ObjectMapper YAML =
            new ObjectMapper(
                    YAMLFactory.builder()
                            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                            .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                            .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
                            .build());

    private ResolvedConfig() {}

    /// The file's text.
    public static String yaml(Record config) {
        try {
            return YAML.writeValueAsString(flat(config));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a configuration that YAML cannot hold", e);
        }
    }

    /// Keys and values, nested records flattened; unset values are null.
    public static Map<String, Object> flat(Record config) {
        Map<String, Object> flat = new LinkedHashMap<>();
        for (RecordComponent component : config.getClass().getRecordComponents()) {
            Object value = value(config, component);
            if (value instanceof Record part && !(value instanceof Resume)) {
                flat.putAll(flat(part));
            } else {
                flat.put(ConfigNames.key(component.getName()), plain(value));
            }
        }
        return flat;
    }

    /// A component's value.
    public static Object value(Record config, RecordComponent component) {
        try {
            Method accessor = component.getAccessor();
            accessor.trySetAccessible(); // a program's own record need not be public
            return accessor.invoke(config);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("unreadable component " + component, e);
        }
    }

    private static Object plain(Object value) {
        return switch (value) {
            case Optional<?> o -> o.map(ResolvedConfig::plain).orElse(null);
            case OptionalInt o -> o.isPresent() ? o.getAsInt() : null;
            case OptionalLong o -> o.isPresent() ? o.getAsLong() : null;
            case OptionalDouble o -> o.isPresent() ? o.getAsDouble() : null;
            case Enum<?> e -> ConfigNames.wireName(e);
            case Path p -> p.toString();
            case MemorySize size -> size.toString();
            case Secret _ -> null; // no file has it
            case Resume.No() -> false;
            case Resume.Latest() -> true;
            case Resume.From(Path checkpoint) -> checkpoint.toString();
            case List<?> list -> list.stream().map(ResolvedConfig::plain).toList();
            case Map<?, ?> map -> new TreeMap<>((Map<?, ?>) Secrets.without(map));
            case String text -> Secrets.without(text);
            // A file can only name the objects of a program.
            case WeightedReward reward -> "object " + reward;
            case RewardFunction reward -> "object " + reward.name();
            case Record part -> given(part);
            default -> value;
        };
    }

    /// A record in a list, without what is unset.
    private static Map<String, Object> given(Record part) {
        Map<String, Object> fields = flat(part);
        fields.values().removeIf(v -> v == null || v.equals(Map.of()));
        return fields;
    }
}
