package org.attune.files;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.Excerpt;
import org.attune.error.ModelException;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// One JSON object of a model's files, read field by field. A field that is `null` counts as
/// absent, as in the Python libraries. Every refusal names the file, the key, the value and what
/// is
/// accepted. Immutable.
public final class JsonFields {
    /// Larger files are refused before they are read: a configuration has some kilobytes.
    private static final long MAX_BYTES = 64L << 20;

    private final String where;
    private final String prefix;
    private final ObjectNode node;

    private JsonFields(String where, String prefix, ObjectNode node) {
        this.where = where;
        this.prefix = prefix;
        this.node = node;
    }

    /// The object that a UTF-8 file holds.
    ///
    /// @throws ModelException if the file is absent, unreadable, too large or no JSON object
    public static JsonFields read(Path file) {
        return parse(file.toString(), readText(file, MAX_BYTES));
    }

    /// The object that `text` holds.
    ///
    /// @param where name of the text in error messages, usually its file
    public static JsonFields parse(String where, String text) {
        try {
            if (Json.STRICT_WITH_NAN.readTree(text) instanceof ObjectNode object) {
                return new JsonFields(where, "", object);
            }
        } catch (JsonProcessingException e) {
            throw new ModelException(where + " is no valid JSON: " + e.getMessage(), e);
        }
        throw new ModelException(where + " holds no JSON object; expected {\"key\": value, …}");
    }

    /// The object with these fields.
    ///
    /// @param where name of the object in error messages
    /// @param fields maps, lists, texts, numbers, truth values and nulls
    public static JsonFields of(String where, Map<String, Object> fields) {
        return new JsonFields(where, "", Json.MAPPER.valueToTree(fields));
    }

    /// The object with other names for some of its keys. A key that has one takes the place of
    /// that one.
    ///
    /// @param usual name of each that has another
    public JsonFields renamed(Map<String, String> usual) {
        ObjectNode renamed = node.deepCopy();
        usual.forEach(
                (key, name) -> {
                    if (has(key)) {
                        renamed.set(name, renamed.remove(key));
                    }
                });
        return new JsonFields(where, prefix, renamed);
    }

    /// The object with a further value, or another one.
    ///
    /// @param value number, text or list of these
    public JsonFields with(String key, Object value) {
        ObjectNode more = node.deepCopy();
        more.set(key, Json.MAPPER.valueToTree(value));
        return new JsonFields(where, prefix, more);
    }

    /// Text of a UTF-8 file of at most `limit` bytes.
    static String readText(Path file, long limit) {
        try {
            long size = Files.size(file);
            if (size > limit) {
                throw new ModelException(
                        "%s has %d bytes; at most %d are read".formatted(file, size, limit));
            }
            return GivenText.decoded(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            throw new ModelException(file + " does not exist", e);
        } catch (IOException e) {
            throw new ModelException(file + " can't be read: " + e.getMessage(), e);
        }
    }

    /// Where the object comes from, for error messages.
    public String where() {
        return where;
    }

    /// A copy of the underlying tree.
    public ObjectNode toNode() {
        return node.deepCopy();
    }

    /// All keys in file order, those with `null` too.
    public Set<String> keys() {
        var keys = new LinkedHashSet<String>();
        node.fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    /// Whether the key is there and not `null`.
    public boolean has(String key) {
        return node.hasNonNull(key);
    }

    /// Whether the key is there, be it `null`.
    public boolean mentions(String key) {
        return node.has(key);
    }

    /// The value, or null if absent.
    public JsonNode get(String key) {
        return has(key) ? node.get(key) : null;
    }

    /// A required integer.
    public int integer(String key) {
        return optionalInteger(key).orElseThrow(() -> missing(key, "an integer"));
    }

    /// A required number of things, of which there may be so many before memory is taken for them.
    ///
    /// @param most the largest number accepted
    public int size(String key, int most) {
        int value = integer(key);
        if (value < 1 || value > most) {
            throw invalid(key, "integers from 1 to " + most);
        }
        return value;
    }

    /// A number of things, from 1 to `most`, or `fallback` if absent.
    public int size(String key, int most, int fallback) {
        return has(key) ? size(key, most) : fallback;
    }

    /// An integer, or `fallback` if absent.
    public int integer(String key, int fallback) {
        return optionalInteger(key).orElse(fallback);
    }

    /// An integer, or empty if absent.
    public OptionalInt optionalInteger(String key) {
        JsonNode value = get(key);
        if (value == null) {
            return OptionalInt.empty();
        }
        // Some tools write 8.0 for 8.
        if (!value.isNumber()
                || value.doubleValue() != Math.rint(value.doubleValue())
                || !value.canConvertToInt()) {
            throw invalid(key, "an integer");
        }
        return OptionalInt.of(value.intValue());
    }

    /// An integer, or all integers of a list; empty if absent.
    public List<Integer> integers(String key) {
        JsonNode value = get(key);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray()) {
            return List.of(integer(key));
        }
        var result = new ArrayList<Integer>();
        for (JsonNode item : value) {
            if (!item.canConvertToInt() || !item.isIntegralNumber()) {
                throw invalid(key, "an integer or a list of integers");
            }
            result.add(item.intValue());
        }
        return List.copyOf(result);
    }

    /// A required number.
    public double number(String key) {
        if (!has(key)) {
            throw missing(key, "a number");
        }
        return number(key, 0);
    }

    /// A number, or `fallback` if absent.
    public double number(String key, double fallback) {
        JsonNode value = get(key);
        if (value == null) {
            return fallback;
        }
        if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
            throw invalid(key, "a finite number");
        }
        return value.doubleValue();
    }

    /// Numbers of a list; empty if absent.
    public List<Double> numbers(String key) {
        JsonNode value = get(key);
        if (value == null) {
            return List.of();
        }
        var result = new ArrayList<Double>();
        for (JsonNode item : value) {
            if (!item.isNumber() || !Double.isFinite(item.doubleValue())) {
                throw invalid(key, "a list of finite numbers");
            }
            result.add(item.doubleValue());
        }
        return List.copyOf(result);
    }

    /// A boolean, or `fallback` if absent.
    public boolean flag(String key, boolean fallback) {
        JsonNode value = get(key);
        if (value == null) {
            return fallback;
        }
        if (!value.isBoolean()) {
            throw invalid(key, "true or false");
        }
        return value.booleanValue();
    }

    /// A required string.
    public String text(String key) {
        return optionalText(key).orElseThrow(() -> missing(key, "a string"));
    }

    /// A string, or `fallback` if absent.
    public String text(String key, String fallback) {
        return optionalText(key).orElse(fallback);
    }

    /// A string, or empty if absent.
    public Optional<String> optionalText(String key) {
        JsonNode value = get(key);
        if (value != null && !value.isTextual()) {
            throw invalid(key, "a string");
        }
        return Optional.ofNullable(value).map(JsonNode::textValue);
    }

    /// The strings of a list, or one string as a list of one; empty if absent.
    public List<String> texts(String key) {
        JsonNode value = get(key);
        if (value == null) {
            return List.of();
        }
        if (value.isTextual()) {
            return List.of(value.textValue());
        }
        var result = new ArrayList<String>();
        for (JsonNode item : value) {
            if (!value.isArray() || !item.isTextual()) {
                throw invalid(key, "a list of strings");
            }
            result.add(item.textValue());
        }
        return List.copyOf(result);
    }

    /// An object inside this one, or empty if absent.
    public Optional<JsonFields> object(String key) {
        JsonNode value = get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (!(value instanceof ObjectNode object)) {
            throw invalid(key, "an object");
        }
        return Optional.of(new JsonFields(where, prefix + key + ".", object));
    }

    /// What to throw for a value that can't be used.
    ///
    /// @param accepted what would have been right, e.g. `a positive integer`
    public ModelException invalid(String key, String accepted) {
        return new ModelException(
                "%s: \"%s\" is %s; accepted: %s"
                        .formatted(
                                where,
                                Excerpt.of(prefix + key),
                                Excerpt.of(node.get(key)),
                                accepted));
    }

    private ModelException missing(String key, String accepted) {
        return new ModelException(
                "%s: \"%s\" is missing; expected %s"
                        .formatted(where, Excerpt.of(prefix + key), accepted));
    }
}
