package org.attune.agents.tool;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// A number, a truth value or a text.
///
/// @param type as JSON Schema calls it
/// @param convert from a JSON value
record ScalarArgument(String type, Function<Object, Object> convert) implements ArgumentType {
    private static final Map<Class<?>, ScalarArgument> ALL = all();

    /// The argument for a type that a name of JSON Schema tells; empty for other types.
    static Optional<ArgumentType> of(Class<?> type) {
        return Optional.ofNullable(ALL.get(type));
    }

    private static Map<Class<?>, ScalarArgument> all() {
        var all = new HashMap<Class<?>, ScalarArgument>();
        var text = new ScalarArgument("string", v -> v);
        all.put(String.class, text);
        all.put(CharSequence.class, text);
        both(all, char.class, Character.class, "string", ScalarArgument::character);
        both(all, boolean.class, Boolean.class, "boolean", v -> v);
        both(all, int.class, Integer.class, "integer", v -> whole(v).intValueExact());
        both(all, long.class, Long.class, "integer", v -> whole(v).longValueExact());
        both(all, short.class, Short.class, "integer", v -> whole(v).shortValueExact());
        both(all, byte.class, Byte.class, "integer", v -> whole(v).byteValueExact());
        all.put(BigInteger.class, new ScalarArgument("integer", ScalarArgument::whole));
        both(all, double.class, Double.class, "number", v -> ((Number) v).doubleValue());
        both(all, float.class, Float.class, "number", v -> ((Number) v).floatValue());
        all.put(Number.class, new ScalarArgument("number", v -> v));
        all.put(BigDecimal.class, new ScalarArgument("number", v -> new BigDecimal(v.toString())));
        return Map.copyOf(all);
    }

    private static void both(
            Map<Class<?>, ScalarArgument> all,
            Class<?> primitive,
            Class<?> boxed,
            String type,
            Function<Object, Object> convert) {
        var scalar = new ScalarArgument(type, convert);
        all.put(primitive, scalar);
        all.put(boxed, scalar);
    }

    private static BigInteger whole(Object json) {
        return new BigDecimal(json.toString()).toBigIntegerExact();
    }

    private static Object character(Object json) {
        String text = (String) json;
        if (text.length() != 1) {
            throw new IllegalArgumentException(
                    "expected one character, got \"%s\"".formatted(text));
        }
        return text.charAt(0);
    }

    @Override
    public Map<String, Object> schema() {
        return Map.of("type", type);
    }

    @Override
    public Object read(Object json) {
        try {
            return convert.apply(json);
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("%s is out of range".formatted(json), e);
        }
    }
}
