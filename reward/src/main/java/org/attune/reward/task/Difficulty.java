package org.attune.reward.task;

import org.attune.error.ConfigException;
import org.attune.error.Spelling;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// Values of a task's parameters.
public final class Difficulty {
    private final Map<String, Integer> values;

    private Difficulty(Map<String, Integer> values) {
        this.values = values;
    }

    /// Reads `easy`, `medium` or `hard`, `name=value,…`, or both (`hard,digits=2`). What is not
    /// named is easy.
    ///
    /// @throws ConfigException if a name is unknown, or a value is no whole number in its range;
    ///     names all of them
    static Difficulty parse(String task, List<Parameter> parameters, String text) {
        var values = new LinkedHashMap<String, Integer>();
        parameters.forEach(p -> values.put(p.name(), p.easy()));
        var problems = new ArrayList<String>();
        for (String part : text.split(",", -1)) {
            if (!part.isBlank()) {
                read(parameters, part.strip(), values, problems);
            }
        }
        if (!problems.isEmpty()) {
            throw new ConfigException(
                    "difficulty of %s: %s".formatted(task, String.join("; ", problems)));
        }
        return new Difficulty(values);
    }

    private static void read(
            List<Parameter> parameters,
            String part,
            Map<String, Integer> values,
            List<String> problems) {
        int equals = part.indexOf('=');
        if (equals < 0) {
            level(parameters, part, values, problems);
            return;
        }
        String name = part.substring(0, equals).strip();
        String value = part.substring(equals + 1).strip();
        List<Parameter> named = parameters.stream().filter(p -> p.name().equals(name)).toList();
        if (named.isEmpty()) {
            problems.add(unknown(name, parameters));
            return;
        }
        Parameter parameter = named.getFirst();
        boolean number = value.matches("-?\\d{1,9}");
        if (!number
                || Integer.parseInt(value) < parameter.min()
                || Integer.parseInt(value) > parameter.max()) {
            problems.add(
                    "%s is %s; accepted: %d to %d"
                            .formatted(name, value, parameter.min(), parameter.max()));
            return;
        }
        values.put(name, Integer.parseInt(value));
    }

    private static void level(
            List<Parameter> parameters,
            String part,
            Map<String, Integer> values,
            List<String> problems) {
        for (Parameter.Level level : Parameter.Level.values()) {
            if (level.name().toLowerCase(Locale.ROOT).equals(part)) {
                parameters.forEach(p -> values.put(p.name(), p.at(level)));
                return;
            }
        }
        problems.add(
                "\"%s\" is neither easy, medium, hard nor name=value with a name of %s"
                        .formatted(part, names(parameters)));
    }

    private static String unknown(String name, List<Parameter> parameters) {
        String nearest =
                Spelling.nearest(name, parameters.stream().map(Parameter::name).toList())
                        .map(n -> "did you mean " + n + "? ")
                        .orElse("");
        return "there is no %s; %saccepted: %s".formatted(name, nearest, names(parameters));
    }

    private static String names(List<Parameter> parameters) {
        return parameters.stream().map(Parameter::name).collect(Collectors.joining(", "));
    }

    /// The value of a parameter.
    ///
    /// @throws IllegalArgumentException if the task has no such parameter
    public int get(String name) {
        Integer value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no parameter " + name + " in " + this);
        }
        return value;
    }

    /// The first number with more digits than a parameter says: numbers below it have at most
    /// that
    /// many.
    ///
    /// @param digits name of the parameter, whose value is at most 9
    int bound(String digits) {
        return (int) Math.round(Math.pow(10, get(digits)));
    }

    /// Writes all values as [#parse] reads them.
    @Override
    public String toString() {
        return values.entrySet().stream()
                .map(e -> e.getKey() + "=" + e.getValue())
                .collect(Collectors.joining(","));
    }
}
