package org.attune.cli.config;

import org.attune.datasets.formats.DatasetType;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.opening.TrainingMethod.Kind;
import org.attune.trainers.run.Methods;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Finds the method that a run's file is meant for: by keys that only some methods have, then by
/// its rows, then by its name.
///
/// @param table of all keys
/// @param name of the file, for messages
/// @param directory where it stands
/// @param settings given keys
/// @param rows asks for the type of the first row
record MethodRules(
        KeyTable table,
        String name,
        Path directory,
        Map<String, Setting> settings,
        MethodChoice.FirstRow rows) {
    MethodChoice choose() {
        List<TrainingMethod<?, ?>> byKeys = byKeys();
        if (byKeys.size() == 1) {
            return new MethodChoice(name, byKeys.getFirst(), "its keys", true);
        }
        DataConfig data = data();
        if (data.datasets().isEmpty()) {
            // Which is reported with all else that is wrong, whatever the method.
            return new MethodChoice(name, byKeys.getFirst(), "its keys alone", false);
        }
        DatasetType type = firstRow(byKeys, data);
        List<TrainingMethod<?, ?>> fitting = usual(type).stream().filter(byKeys::contains).toList();
        if (fitting.isEmpty()) {
            throw asked(
                    byKeys,
                    "its keys are those of %s, and its rows (%s) are for %s"
                            .formatted(words(byKeys), type.key(), words(usual(type))));
        }
        Optional<TrainingMethod<?, ?>> named = byName(fitting);
        return new MethodChoice(
                name,
                named.orElse(fitting.getFirst()),
                "rows of the type " + type.key() + (named.isPresent() ? " and its name" : ""),
                fitting.size() == 1);
    }

    /// The type of the first row; empty if no rows are named.
    ///
    /// @throws ConfigException if they don't suit the method, naming those that they suit
    /// @throws DatasetException if they can't be read
    Optional<DatasetType> requireSuiting(TrainingMethod<?, ?> method) {
        DataConfig data = data();
        if (data.datasets().isEmpty()) {
            return Optional.empty();
        }
        DatasetType type = rows.type(data, environment().hubCache(), method.rows());
        if (method.rows().stream().noneMatch(type::holds)) {
            throw new ConfigException(
                    "datasets: the first row is of the type %s, which is for %s; %s learns from %s"
                            .formatted(
                                    type.key(),
                                    words(usual(type)),
                                    method.name(),
                                    method.firstRun().rows()));
        }
        return Optional.of(type);
    }

    /// The methods that take all keys. One that fits none of those that are left is a fault, which
    /// the reading of the file will report.
    private List<TrainingMethod<?, ?>> byKeys() {
        List<TrainingMethod<?, ?>> fitting = Methods.all();
        for (String key : settings.keySet()) {
            List<TrainingMethod<?, ?>> both = new ArrayList<>(fitting);
            both.removeIf(method -> !takes(method, key));
            fitting = both.isEmpty() ? fitting : both;
        }
        return fitting;
    }

    private boolean takes(TrainingMethod<?, ?> method, String key) {
        return table.find(method, key).filter(k -> k.outcome() != Key.Outcome.REFUSED).isPresent();
    }

    private DataConfig data() {
        Map<String, Setting> all = new LinkedHashMap<>(settings);
        KeyAliases.resolve(all, new ArrayList<>(), new Problems());
        PathKeys.resolve(all, directory, new Problems(), new Problems());
        return new RecordBinder(all, new Problems()).bind(DataConfig.defaults());
    }

    private DatasetType firstRow(List<TrainingMethod<?, ?>> byKeys, DataConfig data) {
        RunEnvironment environment = environment();
        try {
            return rows.type(data, environment.hubCache(), types(byKeys));
        } catch (DatasetException e) {
            throw new ConfigException(
                    asked(byKeys, "its rows don't say: " + e.getMessage()).getMessage(), e);
        }
    }

    private static Set<DatasetType> types(List<TrainingMethod<?, ?>> methods) {
        return methods.stream()
                .flatMap(method -> method.rows().stream())
                .collect(Collectors.toSet());
    }

    private RunEnvironment environment() {
        var problems = new Problems();
        RunEnvironment environment =
                RunConfigReader.environment(settings.get("env"), new ArrayList<>(), problems);
        problems.throwIfAny();
        return environment;
    }

    /// Methods that learn from such rows, the usual one first, then those that generate, those
    /// that need a teacher last; of each kind first those that use all columns.
    private static List<TrainingMethod<?, ?>> usual(DatasetType type) {
        return Methods.all().stream()
                .filter(method -> method.rows().stream().anyMatch(type::holds))
                .sorted(
                        Comparator.<TrainingMethod<?, ?>>comparingInt(
                                        method -> later(method.kind()))
                                .thenComparing(method -> !method.rows().contains(type)))
                .toList();
    }

    private static int later(Kind kind) {
        return switch (kind) {
            case ROWS, SCORES, EMBEDS -> 0;
            case GENERATES -> 1;
            case DISTILS -> 2;
        };
    }

    /// The only method whose name is a word of the file's name.
    private Optional<TrainingMethod<?, ?>> byName(List<TrainingMethod<?, ?>> fitting) {
        List<String> words = Arrays.asList(name.split("[^A-Za-z]+"));
        List<TrainingMethod<?, ?>> named =
                fitting.stream().filter(m -> words.contains(m.name())).toList();
        return named.size() == 1 ? Optional.of(named.getFirst()) : Optional.empty();
    }

    private ConfigException asked(List<TrainingMethod<?, ?>> methods, String why) {
        return new ConfigException(
                "%s: which method is it for? Say so with --method %s; %s"
                        .formatted(name, words(methods), why));
    }

    private static String words(List<TrainingMethod<?, ?>> methods) {
        List<String> names = methods.stream().map(TrainingMethod::name).toList();
        return names.size() == 1
                ? names.getFirst()
                : names.stream().limit(names.size() - 1).collect(Collectors.joining(", "))
                        + " or "
                        + names.getLast();
    }
}
