package org.attune.files.gguf;

import org.attune.error.Excerpt;
import org.attune.error.ModelException;

import java.math.BigInteger;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// Key-value pairs of a GGUF file with typed access. Values are `Long` (or `BigInteger` beyond
/// its
/// range) for integers, `Float`, `Double`, `Boolean`, `String`, and `List<Object>` of those.
public final class GgufMetadata {
    private final String where;
    private final Map<String, Object> values;

    GgufMetadata(String where, Map<String, Object> values) {
        this.where = where;
        this.values = Collections.unmodifiableMap(values);
    }

    /// The file, for error messages.
    public String where() {
        return where;
    }

    /// All pairs in file order.
    public Map<String, Object> values() {
        return values;
    }

    /// Whether the key is there.
    public boolean has(String key) {
        return values.containsKey(key);
    }

    /// A required string.
    public String text(String key) {
        return optionalText(key).orElseThrow(() -> missing(key, "a string"));
    }

    /// A string, or empty if absent.
    public Optional<String> optionalText(String key) {
        Object value = values.get(key);
        if (value != null && !(value instanceof String)) {
            throw invalid(key, "a string");
        }
        return Optional.ofNullable((String) value);
    }

    /// A required integer.
    public int integer(String key) {
        return optionalInteger(key).orElseThrow(() -> missing(key, "an integer"));
    }

    /// An integer, or empty if absent. A list counts as its value if all entries are equal: some
    /// files give a number per layer.
    public OptionalInt optionalInteger(String key) {
        Object value = values.get(key);
        if (value instanceof List<?> list && !list.isEmpty()) {
            if (list.stream().distinct().count() > 1) {
                throw invalid(key, "one integer for all layers");
            }
            value = list.getFirst();
        }
        if (value == null) {
            return OptionalInt.empty();
        }
        if (!(value instanceof Long number) || number != number.intValue()) {
            throw invalid(key, "an integer");
        }
        return OptionalInt.of(number.intValue());
    }

    /// A required number of things, of which there may be so many before memory is taken for them.
    ///
    /// @param most the largest number accepted
    public int size(String key, int most) {
        return optionalSize(key, most)
                .orElseThrow(() -> missing(key, "an integer from 1 to " + most));
    }

    /// A number of things, from 1 to `most`, or empty if absent.
    public OptionalInt optionalSize(String key, int most) {
        OptionalInt value = optionalInteger(key);
        if (value.isPresent() && (value.getAsInt() < 1 || value.getAsInt() > most)) {
            throw invalid(key, "integers from 1 to " + most);
        }
        return value;
    }

    /// A number, or empty if absent.
    public OptionalDouble optionalNumber(String key) {
        Object value = values.get(key);
        if (value == null) {
            return OptionalDouble.empty();
        }
        if (!(value instanceof Number number)
                || value instanceof BigInteger
                || !Double.isFinite(number.doubleValue())) {
            throw invalid(key, "a finite number");
        }
        return OptionalDouble.of(number.doubleValue());
    }

    /// A boolean, or `fallback` if absent.
    public boolean flag(String key, boolean fallback) {
        Object value = values.get(key);
        if (value == null) {
            return fallback;
        }
        if (!(value instanceof Boolean flag)) {
            throw invalid(key, "a boolean");
        }
        return flag;
    }

    /// A required list of strings.
    public List<String> texts(String key) {
        return list(key, String.class, "a list of strings")
                .orElseThrow(() -> missing(key, "a list of strings"));
    }

    /// A list of `Long`s, or empty if absent.
    public Optional<List<Long>> integers(String key) {
        return list(key, Long.class, "a list of integers");
    }

    /// A list of `Float`s, or empty if absent.
    public Optional<List<Float>> floats(String key) {
        return list(key, Float.class, "a list of float32 numbers");
    }

    private <T> Optional<List<T>> list(String key, Class<T> type, String accepted) {
        Object value = values.get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (!(value instanceof List<?> list) || !list.stream().allMatch(type::isInstance)) {
            throw invalid(key, accepted);
        }
        return Optional.of(list.stream().map(type::cast).toList());
    }

    /// What to throw for a value that can't be used.
    ///
    /// @param accepted what would have been right
    public ModelException invalid(String key, String accepted) {
        Object value = values.get(key);
        // A list may be as long as the file.
        Object shown =
                value instanceof List<?> list && list.size() > 10 ? list.subList(0, 10) : value;
        return new ModelException(
                "%s: %s is %s; accepted: %s"
                        .formatted(where, Excerpt.of(key), Excerpt.of(shown), accepted));
    }

    private ModelException missing(String key, String expected) {
        return new ModelException("%s: %s is missing; expected %s".formatted(where, key, expected));
    }
}
