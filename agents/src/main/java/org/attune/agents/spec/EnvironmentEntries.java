package org.attune.agents.spec;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.EnvironmentFactory;
import org.attune.agents.gym.NemoGymEnvironments;
import org.attune.agents.gym.OpenEnvEnvironments;
import org.attune.agents.wire.WireEnvironments;
import org.attune.agents.wire.WireParameters;
import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.program.GivenClass;
import org.attune.program.GivenClasses;
import org.attune.reward.builtin.Parameters;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads the value of `environments`.
final class EnvironmentEntries {
    private static final List<String> KEYS =
            List.of("file", "class", "command", "url", "openenv", "nemo_gym");

    private static final GivenClasses CLASSES =
            new GivenClasses(
                    "environment",
                    Environment.class,
                    type ->
                            Environment.class.isAssignableFrom(type)
                                    || EnvironmentFactory.class.isAssignableFrom(type),
                    "implements Environment or EnvironmentFactory");

    private final Path directory;
    private final List<String> problems;

    EnvironmentEntries(Path directory, List<String> problems) {
        this.directory = directory;
        this.problems = problems;
    }

    /// All that could be made; the problems of the others are noted.
    Map<String, EnvironmentFactory> all(Object environments) {
        var factories = new LinkedHashMap<String, EnvironmentFactory>();
        if (environments == null) {
            return factories;
        }
        if (!(environments instanceof Map<?, ?> map)) {
            problems.add(
                    "environments must be a map of names, as {counter: env/Counter.java}, got "
                            + environments);
            return factories;
        }
        map.forEach(
                (key, value) -> {
                    String name = String.valueOf(key);
                    String where = "environments." + name;
                    try {
                        factories.put(name, entry(where, value));
                    } catch (ConfigException e) {
                        String message = e.getMessage();
                        problems.add(message.startsWith(where) ? message : where + ": " + message);
                    }
                });
        return factories;
    }

    private EnvironmentFactory entry(String where, Object entry) {
        return switch (entry) {
            case String text -> named(text);
            case Map<?, ?> map -> configured(where, map);
            case null, default ->
                    throw new ConfigException("an environment is a text or a map, got " + entry);
        };
    }

    private EnvironmentFactory configured(String where, Map<?, ?> map) {
        var rest = new LinkedHashMap<String, Object>();
        map.forEach((key, value) -> rest.put(String.valueOf(key), value));
        List<String> keys = rest.keySet().stream().filter(KEYS::contains).toList();
        if (keys.size() != 1) {
            throw new ConfigException(
                    "an environment needs exactly one of %s, got %s"
                            .formatted(String.join(", ", KEYS), map.keySet()));
        }
        String key = keys.getFirst();
        return switch (key) {
            case "command", "url" ->
                    new WireEnvironments(
                            WireParameters.read(
                                    new Parameters(where, rest),
                                    directory,
                                    WireParameters.EPISODE));
            case "openenv" -> OpenEnvEnvironments.of(new Parameters(where, rest));
            case "nemo_gym" -> NemoGymEnvironments.of(new Parameters(where, rest));
            default -> {
                String value = String.valueOf(rest.remove(key));
                new Parameters(where, rest).check();
                yield named(key.equals("class") ? "class:" + value : value);
            }
        };
    }

    private EnvironmentFactory named(String text) {
        if (text.endsWith(".java")) {
            return factory(CLASSES.fromFile(GivenPath.input(text, directory)));
        }
        if (text.startsWith("class:")) {
            return factory(CLASSES.fromClass(text.substring("class:".length()).strip()));
        }
        throw new ConfigException(
                "there is no environment \"%s\"; accepted: a .java file, class:NAME, {command: […]}, {url: …}"
                        .formatted(text));
    }

    private static EnvironmentFactory factory(GivenClass type) {
        Object first = type.make(); // what is wrong with it is told at the start
        if (first instanceof EnvironmentFactory factory) {
            return factory;
        }
        try {
            ((Environment) first).close();
        } catch (IOException | RuntimeException e) {
            throw new ConfigException("%s can't be closed: %s".formatted(type.where(), e), e);
        }
        return () -> (Environment) type.make();
    }
}
