package org.attune.reward.builtin;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.error.Spelling;
import org.attune.files.GivenPath;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Parameters of something that a run's file names, as a built-in reward. Problems are collected;
/// [#check] throws them together.
@Api(EXPERIMENTAL)
public final class Parameters {
    private final String owner;
    private final Map<String, Object> given;
    private final Set<String> known = new LinkedHashSet<>();
    private final List<String> problems = new ArrayList<>();

    /// @param owner whose they are, as messages begin: `reward "regex"`
    /// @param given as the configuration has them
    public Parameters(String owner, Map<String, Object> given) {
        this.owner = owner;
        this.given = given;
    }

    /// The owner of the parameters, for messages.
    public String owner() {
        return owner;
    }

    /// A text.
    public String text(String key, String fallback) {
        return value(key, fallback, String.class, "a text");
    }

    /// True or false.
    public boolean flag(String key, boolean fallback) {
        return value(key, fallback, Boolean.class, "true or false");
    }

    /// A finite number.
    public double number(String key, double fallback) {
        Number number = value(key, fallback, Number.class, "a number");
        if (!Double.isFinite(number.doubleValue())) {
            problems.add("%s must be finite, got %s".formatted(key, number));
            return fallback;
        }
        return number.doubleValue();
    }

    /// A whole number of at least `least`.
    public int integer(String key, int fallback, int least) {
        Number number = value(key, fallback, Number.class, "a whole number");
        if (number.doubleValue() != number.intValue() || number.intValue() < least) {
            problems.add(
                    "%s must be a whole number of at least %d, got %s"
                            .formatted(key, least, number));
            return Math.max(least, fallback);
        }
        return number.intValue();
    }

    /// A whole number of at least `least` that must be given.
    public int requiredInteger(String key, int least) {
        require(key);
        return integer(key, least, least);
    }

    /// A text that must be there.
    public String requiredText(String key) {
        require(key);
        return text(key, "");
    }

    /// Reads one of several texts; the first if the parameter isn't given.
    public String choice(String key, String... accepted) {
        String value = text(key, accepted[0]);
        if (!List.of(accepted).contains(value)) {
            problems.add(
                    "%s must be one of %s, got \"%s\""
                            .formatted(key, String.join(", ", accepted), value));
            return accepted[0];
        }
        return value;
    }

    /// A list of texts that are not empty.
    public List<String> texts(String key, List<String> fallback) {
        List<?> list = value(key, fallback, List.class, "a list of texts");
        var texts = new ArrayList<String>();
        for (Object one : list) {
            if (one instanceof String text && !text.isEmpty()) {
                texts.add(text);
            } else {
                problems.add("%s must be a list of texts, has %s".formatted(key, one));
            }
        }
        return texts;
    }

    /// Texts by name, as variables of an environment or headers; `$NAME` in one is a variable of
    /// this process.
    ///
    /// @throws ConfigException if such a variable is not set
    public Map<String, String> variables(String key) {
        var variables = new LinkedHashMap<String, String>();
        Map<?, ?> given = value(key, Map.of(), Map.class, "a map of texts");
        given.forEach(
                (name, value) ->
                        variables.put(
                                String.valueOf(name), GivenPath.expand(String.valueOf(value))));
        return variables;
    }

    /// The value as it is; null if it isn't given.
    public Object object(String key) {
        known.add(key);
        return given.get(key);
    }

    /// Whether the parameter is given.
    public boolean has(String key) {
        return given.get(key) != null;
    }

    /// Adds a problem, which [#check] tells of.
    public void problem(String message) {
        problems.add(message);
    }

    private void require(String key) {
        if (!has(key)) {
            known.add(key);
            problems.add(key + " is missing");
        }
    }

    private <T> T value(String key, T fallback, Class<T> type, String expected) {
        known.add(key);
        Object value = given.get(key);
        if (value == null) {
            return fallback;
        }
        if (!type.isInstance(value)) {
            problems.add("%s must be %s, got %s".formatted(key, expected, value));
            return fallback;
        }
        return type.cast(value);
    }

    /// Ends the reading.
    ///
    /// @throws ConfigException with everything that is wrong, unknown keys included
    public void check() {
        for (String key : given.keySet()) {
            if (!known.contains(key)) {
                problems.add(
                        "\"%s\" is no parameter%s; known are %s"
                                .formatted(
                                        key,
                                        Spelling.nearest(key, known)
                                                .map(near -> ", did you mean \"" + near + "\"?")
                                                .orElse(""),
                                        known.isEmpty() ? "none" : String.join(", ", known)));
            }
        }
        if (!problems.isEmpty()) {
            throw new ConfigException("%s: %s".formatted(owner, String.join("; ", problems)));
        }
    }
}
