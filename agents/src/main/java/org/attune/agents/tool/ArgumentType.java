package org.attune.agents.tool;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;

import java.lang.reflect.Array;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/// A Java type of a tool's parameter: which JSON it takes, and the value that a JSON value is.
sealed interface ArgumentType
        permits ScalarArgument,
                RecordArgument,
                ArgumentType.Constant,
                ArgumentType.Listed,
                ArgumentType.Distinct,
                ArgumentType.Elements,
                ArgumentType.Named,
                ArgumentType.Any,
                ArgumentType.Maybe {
    /// JSON Schema.
    Map<String, Object> schema();

    /// The Java value.
    ///
    /// @param json a value that fits the schema
    /// @throws IllegalArgumentException if the type can't hold it, as 3000000000 in an `int`
    Object read(Object json);

    /// Whether a value may be absent.
    default boolean isOptional() {
        return false;
    }

    /// The value if it is absent.
    default Object absent() {
        throw new IllegalStateException("a value of " + schema() + " is never absent");
    }

    /// @throws IllegalArgumentException if a model can't be asked for such a value
    static ArgumentType of(Type type) {
        return of(type, Set.of());
    }

    /// @param around records that this type is inside of
    static ArgumentType of(Type type, Set<Class<?>> around) {
        return switch (type) {
            case Class<?> plain -> ofClass(plain, around);
            case ParameterizedType generic -> ofGeneric(generic, around);
            default -> throw unknown(type);
        };
    }

    private static ArgumentType ofClass(Class<?> type, Set<Class<?>> around) {
        if (type.isEnum()) {
            return new Constant(type);
        }
        if (type.isRecord()) {
            return RecordArgument.of(type, around);
        }
        if (type.isArray()) {
            return new Elements(type.getComponentType(), of(type.getComponentType(), around));
        }
        if (type == Object.class || JsonNode.class.isAssignableFrom(type)) {
            return new Any(type);
        }
        if (type == OptionalInt.class) {
            return new Maybe(of(int.class), OptionalInt.empty(), v -> OptionalInt.of((int) v));
        }
        if (type == OptionalLong.class) {
            return new Maybe(of(long.class), OptionalLong.empty(), v -> OptionalLong.of((long) v));
        }
        if (type == OptionalDouble.class) {
            return new Maybe(
                    of(double.class), OptionalDouble.empty(), v -> OptionalDouble.of((double) v));
        }
        return ScalarArgument.of(type).orElseThrow(() -> unknown(type));
    }

    private static ArgumentType ofGeneric(ParameterizedType type, Set<Class<?>> around) {
        Class<?> raw = (Class<?>) type.getRawType();
        Type last = type.getActualTypeArguments()[type.getActualTypeArguments().length - 1];
        if (raw == Optional.class) {
            return new Maybe(of(last, around), Optional.empty(), Optional::of);
        }
        if (raw == List.class || raw == Collection.class) {
            return new Listed(of(last, around));
        }
        if (raw == Set.class) {
            return new Distinct(of(last, around));
        }
        if (raw == Map.class && type.getActualTypeArguments()[0] == String.class) {
            return new Named(of(last, around));
        }
        throw unknown(type);
    }

    private static IllegalArgumentException unknown(Type type) {
        return new IllegalArgumentException(
                "type %s; accepted: primitives and their boxes, String, BigInteger, BigDecimal, enums, records, arrays, List, Set, Map<String, …>, Optional, JsonNode, Object"
                        .formatted(type.getTypeName()));
    }

    /// A constant of an enum, by its name.
    record Constant(Class<?> type) implements ArgumentType {
        @Override
        public Map<String, Object> schema() {
            var schema = new LinkedHashMap<String, Object>();
            schema.put("type", "string");
            schema.put(
                    "enum",
                    Stream.of(type.getEnumConstants()).map(c -> ((Enum<?>) c).name()).toList());
            return schema;
        }

        @Override
        public Object read(Object json) {
            for (Object constant : type.getEnumConstants()) {
                if (((Enum<?>) constant).name().equals(json)) {
                    return constant;
                }
            }
            throw new IllegalArgumentException("%s is none of %s".formatted(json, schema()));
        }
    }

    /// A list.
    record Listed(ArgumentType element) implements ArgumentType {
        @Override
        public Map<String, Object> schema() {
            return array(element);
        }

        @Override
        public List<Object> read(Object json) {
            var list = new ArrayList<Object>();
            ((List<?>) json).forEach(item -> list.add(element.read(item)));
            return list;
        }
    }

    /// A set.
    record Distinct(ArgumentType element) implements ArgumentType {
        @Override
        public Map<String, Object> schema() {
            return array(element);
        }

        @Override
        public Object read(Object json) {
            return new LinkedHashSet<>(new Listed(element).read(json));
        }
    }

    /// An array.
    record Elements(Class<?> type, ArgumentType element) implements ArgumentType {
        @Override
        public Map<String, Object> schema() {
            return array(element);
        }

        @Override
        public Object read(Object json) {
            List<Object> list = new Listed(element).read(json);
            Object array = Array.newInstance(type, list.size());
            for (int i = 0; i < list.size(); i++) {
                Array.set(array, i, list.get(i));
            }
            return array;
        }
    }

    /// A map of texts to values.
    record Named(ArgumentType value) implements ArgumentType {
        @Override
        public Map<String, Object> schema() {
            var schema = new LinkedHashMap<String, Object>();
            schema.put("type", "object");
            schema.put("additionalProperties", value.schema());
            return schema;
        }

        @Override
        public Object read(Object json) {
            var map = new LinkedHashMap<Object, Object>();
            ((Map<?, ?>) json).forEach((name, item) -> map.put(name, value.read(item)));
            return map;
        }
    }

    /// Any JSON value.
    record Any(Class<?> type) implements ArgumentType {
        @Override
        public Map<String, Object> schema() {
            return Map.of();
        }

        @Override
        public Object read(Object json) {
            return type == Object.class ? json : type.cast(Json.MAPPER.valueToTree(json));
        }
    }

    /// A value that may be absent.
    record Maybe(ArgumentType value, Object absent, Function<Object, Object> box)
            implements ArgumentType {
        @Override
        public Map<String, Object> schema() {
            return value.schema();
        }

        @Override
        public Object read(Object json) {
            return json == null ? absent : box.apply(value.read(json));
        }

        @Override
        public boolean isOptional() {
            return true;
        }
    }

    private static Map<String, Object> array(ArgumentType element) {
        var schema = new LinkedHashMap<String, Object>();
        schema.put("type", "array");
        schema.put("items", element.schema());
        return schema;
    }
}
