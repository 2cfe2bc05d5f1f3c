package org.attune.serve;

import org.attune.error.Spelling;
import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;

/// The keys of a JSON object that somebody sent. A key that is `null` counts as absent. Errors name
/// the key and what is accepted.
public final class Fields {
    private final Map<String, Object> values;
    private final String path; // with a dot at its end, or empty

    private Fields(Map<String, Object> values, String path) {
        this.values = values;
        this.path = path;
    }

    /// Reads a body.
    ///
    /// @throws ApiException if it is no JSON object
    static Fields of(String json) throws ApiException {
        try {
            return of(Json.parse(json), "", "the body");
        } catch (JsonException e) {
            throw ApiException.bad(null, "the body is no JSON: " + e.getMessage());
        }
    }

    /// The keys of an object that was read already.
    public static Fields of(Map<String, Object> values) {
        return new Fields(values, "");
    }

    private static Fields of(Object value, String path, String name) throws ApiException {
        if (!(value instanceof Map<?, ?> map)) {
            throw ApiException.bad(
                    path.isEmpty() ? null : name, name + " is no JSON object: " + shown(value));
        }
        Map<String, Object> values = new LinkedHashMap<>();
        map.forEach((key, field) -> values.put((String) key, field));
        return new Fields(values, path);
    }

    /// Refuses keys that nothing here reads.
    ///
    /// @param known keys that are read
    /// @param refused keys that would change the answer and can't be obeyed, with what to do
    public void require(Set<String> known, Map<String, String> refused) throws ApiException {
        for (String key : values.keySet()) {
            if (refused.containsKey(key) && values.get(key) != null) {
                throw bad(key, "isn't supported: " + refused.get(key));
            }
            if (!known.contains(key) && !refused.containsKey(key)) {
                throw bad(
                        key,
                        "is no key of this request"
                                + Spelling.nearest(key, known)
                                        .map("; did you mean \"%s\"?"::formatted)
                                        .orElse(""));
            }
        }
    }

    /// An error about a key.
    public ApiException bad(String key, String what) {
        return ApiException.bad(path + key, "\"%s%s\" %s".formatted(path, key, what));
    }

    private ApiException wrong(String key, String accepted) {
        return bad(key, "is %s; accepted: %s".formatted(shown(values.get(key)), accepted));
    }

    private static String shown(Object value) {
        String text = Json.write(value);
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }

    public boolean has(String key) {
        return values.get(key) != null;
    }

    /// The value as it was sent, or null.
    public Object value(String key) {
        return values.get(key);
    }

    public Optional<String> text(String key) throws ApiException {
        return switch (values.get(key)) {
            case null -> Optional.empty();
            case String text -> Optional.of(text);
            default -> throw wrong(key, "a text");
        };
    }

    public OptionalLong integer(String key, long least, long most) throws ApiException {
        return switch (values.get(key)) {
            case null -> OptionalLong.empty();
            case Long number when number >= least && number <= most -> OptionalLong.of(number);
            default ->
                    throw wrong(
                            key,
                            most == Integer.MAX_VALUE || most == Long.MAX_VALUE
                                    ? "a whole number >= " + least
                                    : "a whole number from %d to %d".formatted(least, most));
        };
    }

    public int integer(String key, int least, int most, int standard) throws ApiException {
        return (int) integer(key, least, most).orElse(standard);
    }

    public OptionalDouble number(String key, double least, double most) throws ApiException {
        Object value = values.get(key);
        if (value == null) {
            return OptionalDouble.empty();
        }
        if (value instanceof Number number
                && number.doubleValue() >= least
                && number.doubleValue() <= most) {
            return OptionalDouble.of(number.doubleValue());
        }
        throw wrong(
                key,
                most == Double.MAX_VALUE
                        ? "a number >= " + least
                        : "a number from %s to %s".formatted(least, most));
    }

    public boolean flag(String key, boolean standard) throws ApiException {
        return switch (values.get(key)) {
            case null -> standard;
            case Boolean flag -> flag;
            default -> throw wrong(key, "true or false");
        };
    }

    /// The elements of a list; none if the key is absent.
    public List<?> list(String key, int most) throws ApiException {
        return switch (values.get(key)) {
            case null -> List.of();
            case List<?> list when list.size() <= most -> list;
            case List<?> list ->
                    throw bad(key, "has %d elements; accepted: %d".formatted(list.size(), most));
            default -> throw wrong(key, "a list");
        };
    }

    /// The elements of a list of objects; none if the key is absent.
    public List<Fields> objects(String key, int most) throws ApiException {
        List<Fields> objects = new ArrayList<>();
        for (Object value : list(key, most)) {
            String name = "%s%s[%d]".formatted(path, key, objects.size());
            objects.add(of(value, name + ".", "\"" + name + "\""));
        }
        return objects;
    }

    public Optional<Fields> object(String key) throws ApiException {
        return has(key)
                ? Optional.of(of(values.get(key), path + key + ".", "\"" + path + key + "\""))
                : Optional.empty();
    }

    /// All values by key.
    public Map<String, Object> all() {
        return values;
    }
}
