package org.attune.cli.config;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.datasets.DatasetSource;
import org.attune.json.Json;
import org.attune.trainers.config.ConfigNames;
import org.attune.trainers.config.InRange;
import org.attune.trainers.config.UnsetAt;
import org.attune.trainers.report.RunReporters;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/// JSON Schemas of the values that record components take, by the rules of [RecordBinder].
final class ValueSchema {
    private static final Set<Class<?>> WHOLE =
            Set.of(
                    int.class,
                    Integer.class,
                    long.class,
                    Long.class,
                    OptionalInt.class,
                    OptionalLong.class);
    private static final Set<Class<?>> NUMBERS =
            Set.of(double.class, Double.class, OptionalDouble.class);

    private ValueSchema() {}

    /// What a component takes; a key without a value counts as not given.
    ///
    /// @param among the numbers that are accepted; empty: any
    static ObjectNode of(RecordComponent component, Optional<InRange> among) {
        InRange range = among.orElse(null);
        ObjectNode schema =
                ConfigNames.key(component.getName()).equals(KeyFacts.REPORT_TO)
                        ? oneOrMore(choice(RunReporters.names()))
                        : of(component.getGenericType(), range);
        UnsetAt unset = component.getAnnotation(UnsetAt.class);
        if (unset == null) {
            return orNothing(schema);
        }
        ObjectNode also = Json.object();
        also.put("const", Long.parseLong(unset.value()));
        return any(List.of(schema, also, nothing()));
    }

    /// A truth value, or nothing.
    static ObjectNode truth() {
        return orNothing(typed("boolean"));
    }

    private static ObjectNode of(Type type, InRange range) {
        if (type instanceof ParameterizedType generic) {
            Type[] arguments = generic.getActualTypeArguments();
            Type last = arguments[arguments.length - 1];
            if (generic.getRawType() == Optional.class) {
                return orNothing(of(last, range));
            }
            return generic.getRawType() == Map.class
                    ? any(List.of(typed("object"), list(texts()), texts()))
                    : oneOrMore(of(last, range));
        }
        return single((Class<?>) type, range);
    }

    private static ObjectNode oneOrMore(ObjectNode one) {
        return any(List.of(one, list(one.deepCopy())));
    }

    private static ObjectNode single(Class<?> type, InRange range) {
        if (WHOLE.contains(type)) {
            return bounded(typed("integer"), range);
        }
        if (NUMBERS.contains(type)) {
            return bounded(typed("number"), range);
        }
        if (type == boolean.class || type == Boolean.class) {
            return typed("boolean");
        }
        if (type.isEnum()) {
            return choice(
                    Arrays.stream(type.getEnumConstants())
                            .map(constant -> ConfigNames.wireName((Enum<?>) constant))
                            .toList());
        }
        if (type == Object.class) {
            return Json.object();
        }
        return type.isRecord() && !RecordBinder.hasParser(type) ? element(type) : texts();
    }

    private static ObjectNode bounded(ObjectNode schema, InRange range) {
        if (range == null) {
            return schema;
        }
        if (Double.isFinite(range.min())) {
            number(schema, range.minOpen() ? "exclusiveMinimum" : "minimum", range.min());
        }
        if (Double.isFinite(range.max())) {
            number(schema, range.maxOpen() ? "exclusiveMaximum" : "maximum", range.max());
        }
        return schema;
    }

    private static void number(ObjectNode schema, String key, double value) {
        if (value == Math.rint(value) && Math.abs(value) < 1e15) {
            schema.put(key, (long) value);
        } else {
            schema.put(key, value);
        }
    }

    /// The schema of one of a choice; some have the word no, which YAML may read as false.
    private static ObjectNode choice(List<String> all) {
        ObjectNode schema = Json.object();
        ArrayNode words = schema.putArray("enum");
        for (String word : all) {
            words.add(word);
            if (word.equals("no")) {
                words.add(false);
            }
        }
        return schema;
    }

    /// A record in a list: its main value alone, or an object with the record's keys.
    private static ObjectNode element(Class<?> type) {
        ObjectNode schema = typed("object");
        ObjectNode keys = schema.putObject("properties");
        Arrays.stream(type.getRecordComponents())
                .forEach(c -> keys.set(ConfigNames.key(c.getName()), element(c)));
        if (type != DatasetSource.class) { // whose other spellings are rewritten
            schema.put("additionalProperties", false);
        }
        return any(List.of(texts(), schema));
    }

    private static ObjectNode element(RecordComponent component) {
        return of(component, Optional.ofNullable(component.getAnnotation(InRange.class)));
    }

    /// Texts, which may look like numbers or truth values.
    private static ObjectNode texts() {
        ObjectNode schema = Json.object();
        schema.putArray("type").add("string").add("number").add("boolean");
        return schema;
    }

    private static ObjectNode list(ObjectNode items) {
        ObjectNode schema = typed("array");
        schema.set("items", items);
        return schema;
    }

    private static ObjectNode typed(String type) {
        return Json.object().put("type", type);
    }

    private static ObjectNode nothing() {
        return typed("null");
    }

    private static ObjectNode orNothing(ObjectNode schema) {
        if (schema.isEmpty()) {
            return schema; // anything
        }
        if (schema.path("anyOf") instanceof ArrayNode several) {
            if (!several.get(several.size() - 1).equals(nothing())) {
                several.add(nothing());
            }
            return schema;
        }
        if (schema.path("enum") instanceof ArrayNode words) {
            if (!words.get(words.size() - 1).isNull()) {
                words.addNull();
            }
            return schema;
        }
        if (schema.path("type").isTextual()) {
            String type = schema.path("type").textValue();
            schema.putArray("type").add(type).add("null");
        } else if (schema.path("type") instanceof ArrayNode types
                && !types.get(types.size() - 1).textValue().equals("null")) {
            types.add("null");
        }
        return schema;
    }

    private static ObjectNode any(List<ObjectNode> some) {
        ObjectNode schema = Json.object();
        ArrayNode several = schema.putArray("anyOf");
        for (ObjectNode one : some) {
            if (one.path("anyOf") instanceof ArrayNode inner) {
                several.addAll(inner);
            } else {
                several.add(one);
            }
        }
        return schema;
    }
}
