package org.attune.trainers.config;

import jakarta.validation.ConstraintViolation;
import jakarta.validation.Path;
import jakarta.validation.Validation;
import jakarta.validation.Validator;

import org.attune.error.ConfigException;
import org.hibernate.validator.messageinterpolation.ParameterMessageInterpolator;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Checks configuration records: the ranges of their annotations first, then, if these hold, how
/// the values fit each other. The command line and the trainers use the same check.
public final class ConfigCheck {
    private ConfigCheck() {}

    /// Returns the configuration if it is right.
    ///
    /// @throws ConfigException with all problems at once
    public static <T extends Record> T validate(T config) {
        List<ConfigProblem> problems = problems(config);
        if (problems.isEmpty()) {
            return config;
        }
        throw new ConfigException(
                problems.stream()
                        .map(problem -> "\n  " + problem)
                        .collect(
                                Collectors.joining(
                                        "",
                                        problems.size() == 1
                                                ? "1 problem:"
                                                : problems.size() + " problems:",
                                        "")));
    }

    /// All problems, in the order of their keys; empty if there are none.
    public static List<ConfigProblem> problems(Record config) {
        var absent = new ArrayList<ConfigProblem>();
        collectAbsent(config, absent);
        if (!absent.isEmpty()) {
            return absent;
        }
        List<ConfigProblem> ranges =
                Holder.VALIDATOR.validate(config).stream()
                        .flatMap(violation -> problem(config, violation).stream())
                        .sorted(Comparator.comparing(ConfigProblem::key))
                        .toList();
        if (!ranges.isEmpty()) {
            return ranges;
        }
        var cross = new ArrayList<ConfigProblem>();
        collectCross(config, cross);
        if (config instanceof RunConfig run) {
            cross.addAll(StreamCheck.problems(run));
        }
        return List.copyOf(cross);
    }

    private static Optional<ConfigProblem> problem(
            Record config, ConstraintViolation<Record> violation) {
        String key = key(violation);
        Object value = violation.getInvalidValue();
        Optional<InRange> wider = widerRange(config, violation.getLeafBean(), key);
        if (wider.isPresent() && value instanceof Number number) {
            return InRangeValidator.contains(wider.get(), number.doubleValue())
                    ? Optional.empty()
                    : Optional.of(
                            new ConfigProblem(
                                    key, value, InRangeValidator.accepted(wider.get(), false)));
        }
        return Optional.of(new ConfigProblem(key, value, violation.getMessage()));
    }

    /// What a configuration accepts for a number of one of its parts, if that is more than the part
    /// does.
    private static Optional<InRange> widerRange(Record config, Object part, String key) {
        return Arrays.stream(config.getClass().getRecordComponents())
                .filter(component -> part.equals(read(config, component)))
                .flatMap(component -> Stream.ofNullable(component.getAnnotation(WiderRange.class)))
                .filter(wider -> ConfigNames.key(wider.of()).equals(key))
                .map(WiderRange::range)
                .findAny();
    }

    private static String key(ConstraintViolation<Record> violation) {
        var key = new StringBuilder();
        // The path runs through the nested records; a file is flat, so only lists keep their place.
        for (Path.Node node : violation.getPropertyPath()) {
            if (node.isInIterable() && node.getIndex() != null) {
                key.append('[').append(node.getIndex()).append(']');
            }
            if (node.getName() == null || node.getName().startsWith("<")) {
                continue;
            }
            if (node.isInIterable() && node.getIndex() != null) {
                key.append('.');
            } else {
                key.setLength(0);
            }
            key.append(ConfigNames.key(node.getName()));
        }
        return key.toString();
    }

    private static void collectAbsent(Record config, List<ConfigProblem> problems) {
        for (RecordComponent component : config.getClass().getRecordComponents()) {
            Object value = read(config, component);
            if (value == null) {
                problems.add(
                        new ConfigProblem(
                                ConfigNames.key(component.getName()),
                                "null",
                                "a value; an absent one is Optional.empty() or an empty list"));
            } else if (value instanceof Record part) {
                collectAbsent(part, problems);
            }
        }
    }

    private static void collectCross(Record config, List<ConfigProblem> problems) {
        for (RecordComponent component : config.getClass().getRecordComponents()) {
            switch (read(config, component)) {
                case Record part -> collectCross(part, problems);
                case List<?> list -> collectCross(component, list, problems);
                default -> {}
            }
        }
        if (config instanceof CrossChecked checked) {
            problems.addAll(checked.crossFieldProblems());
        }
    }

    private static void collectCross(
            RecordComponent component, List<?> list, List<ConfigProblem> problems) {
        for (int i = 0; i < list.size(); i++) {
            if (list.get(i) instanceof CrossChecked element) {
                String place = ConfigNames.key(component.getName()) + "[" + i + "].";
                for (ConfigProblem problem : element.crossFieldProblems()) {
                    problems.add(
                            new ConfigProblem(
                                    place + problem.key(), problem.value(), problem.accepted()));
                }
            }
        }
    }

    private static Object read(Record config, RecordComponent component) {
        try {
            return component.getAccessor().invoke(config);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(
                    config.getClass() + " has an unreadable component " + component.getName(), e);
        }
    }

    /// Built on first use: it takes some hundred milliseconds.
    private static final class Holder {
        private static final Validator VALIDATOR =
                Validation.byDefaultProvider()
                        .configure()
                        .messageInterpolator(new ParameterMessageInterpolator())
                        .buildValidatorFactory()
                        .getValidator();
    }
}
