package org.attune.agents.builtin;

import org.attune.agents.sandbox.Guarantee;
import org.attune.agents.sandbox.SandboxConfig;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.files.MemorySize;
import org.attune.reward.builtin.Parameters;

import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Reads what a run's file says of a tool that runs code:
/// ```
/// - {name: python, timeout: 10, memory: 512MiB, require: [files, network]}
/// - {name: python, session: true, with: [sh], read: [data/tables]}
/// ```
final class CodeEntry {
    private final Parameters parameters;
    private final Path directory;

    private CodeEntry(Parameters parameters, Path directory) {
        this.parameters = parameters;
        this.directory = directory;
    }

    /// @throws ConfigException with all that is wrong
    static ToolSetFactory open(Language language, Parameters parameters, Path directory) {
        var entry = new CodeEntry(parameters, directory);
        Map<Language, String> names = entry.names(language);
        CodeConfig config = entry.config();
        Optional<Path> python = entry.python(names);
        parameters.check();
        try {
            return CodeTools.open(names, config, python);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the sandbox was probed", e);
        }
    }

    private Map<Language, String> names(Language first) {
        Map<Language, String> names = new EnumMap<>(Language.class);
        names.put(first, parameters.text("as", first.key()));
        for (String other : parameters.texts("with", List.of())) {
            Optional<Language> language =
                    Stream.of(Language.values()).filter(l -> l.key().equals(other)).findFirst();
            if (language.isEmpty() || names.containsKey(language.get())) {
                parameters.problem(
                        "with names further tools in the same folder, of python, java and sh; got \"%s\""
                                .formatted(other));
            } else {
                names.put(language.get(), other);
            }
        }
        return names;
    }

    private CodeConfig config() {
        CodeConfig defaults = CodeConfig.DEFAULTS;
        double seconds = parameters.number("timeout", defaults.timeout().toSeconds());
        if (!(seconds > 0)) {
            parameters.problem("timeout must be a positive number of seconds, got " + seconds);
            seconds = 1;
        }
        return new CodeConfig(
                sandbox(),
                Duration.ofMillis(Math.max(1, Math.round(seconds * 1000))),
                parameters.integer("max_characters", defaults.maxOutput(), 100),
                parameters.flag("session", defaults.isSession()));
    }

    private SandboxConfig sandbox() {
        SandboxConfig defaults = SandboxConfig.DEFAULTS;
        try {
            return new SandboxConfig(
                    size("memory", defaults.memory()),
                    parameters.integer("processes", defaults.processes(), 1),
                    size("disk", defaults.disk()),
                    require(),
                    parameters.texts("read", List.of()).stream()
                            .map(path -> GivenPath.input(path, directory))
                            .toList());
        } catch (ConfigException e) {
            parameters.problem(e.getMessage());
            return defaults;
        }
    }

    private long size(String key, long fallback) {
        Object given = parameters.object(key);
        if (given == null) {
            return fallback;
        }
        try {
            return MemorySize.parse(String.valueOf(given)).bytes();
        } catch (IllegalArgumentException e) {
            parameters.problem("%s must be %s, got %s".formatted(key, e.getMessage(), given));
            return fallback;
        }
    }

    private Set<Guarantee> require() {
        Set<Guarantee> required = EnumSet.noneOf(Guarantee.class);
        List<String> all = Guarantee.all().stream().map(Guarantee::key).toList();
        for (String name : parameters.texts("require", all)) {
            Optional<Guarantee> guarantee =
                    Stream.of(Guarantee.values()).filter(g -> g.key().equals(name)).findFirst();
            guarantee.ifPresentOrElse(
                    required::add,
                    () ->
                            parameters.problem(
                                    "require takes files, network, memory, processes and disk, got \"%s\""
                                            .formatted(name)));
        }
        return required;
    }

    private Optional<Path> python(Map<Language, String> names) {
        String program = parameters.text("program", "");
        if (program.isEmpty()) {
            return Optional.empty();
        }
        if (!names.containsKey(Language.PYTHON)) {
            parameters.problem("program names a Python, and no tool runs Python");
            return Optional.empty();
        }
        return Optional.of(GivenPath.input(program, directory));
    }
}
