package org.attune.cli.config;

import org.attune.datasets.formats.DatasetType;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.EvalTask;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.report.RunReporters;
import org.attune.trainers.run.Methods;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads a run's YAML file: flat keys with TRL's names, then `key=value` arguments over them. All
/// problems are reported at once, each with the place where it stands.
public final class RunConfigReader {
    private final KeyTable table;
    private final Set<String> blocks;

    public RunConfigReader() {
        this(KeyTable.load());
    }

    RunConfigReader(KeyTable table) {
        this(table, Set.of());
    }

    private RunConfigReader(KeyTable table, Set<String> blocks) {
        this.table = table;
        this.blocks = blocks;
    }

    /// A reader that passes over a key which a command reads itself, by [#block].
    public RunConfigReader without(String key) {
        return new RunConfigReader(table, Set.of(key));
    }

    /// The value of a key that is none of a run's: maps, lists and texts; empty if it isn't there.
    ///
    /// @param file as in [#read]
    /// @param overrides as in [#read]
    public Optional<Object> block(Path file, List<String> overrides, String key) {
        var problems = new Problems();
        var forms = new KeyForms(table, Methods.all());
        Settings run = Settings.read(file, overrides, forms, problems);
        problems.throwIfAny();
        return Optional.ofNullable(run.keys().get(key)).map(s -> s.value().plain());
    }

    /// What is given, by key, as maps, lists and texts; no key and no value is judged.
    ///
    /// @param file as in [#read]
    /// @param overrides as in [#read]
    /// @throws org.attune.error.ConfigException if the file can't be read, or isn't YAML
    public Map<String, Object> given(Path file, List<String> overrides) {
        var problems = new Problems();
        Settings run = Settings.read(file, overrides, new KeyForms(table, Methods.all()), problems);
        problems.throwIfAny();
        Map<String, Object> given = new LinkedHashMap<>();
        run.keys().forEach((key, setting) -> given.put(key, setting.value().plain()));
        return given;
    }

    /// Reads the tasks of a file, which may be a run's: those of its key `eval_tasks`.
    ///
    /// @param file paths of the tasks' rows may start beside it
    /// @throws org.attune.error.ConfigException naming file, line and key of what is wrong
    public static List<EvalTask> tasks(Path file) {
        return TaskFile.read(file);
    }

    /// Reads a run of a method.
    ///
    /// @param file the run's; an empty path if the arguments name it or have all keys
    /// @param overrides `key=value`, the value in YAML, or `--key value` as TRL has it
    /// @throws org.attune.error.ConfigException with all problems
    public <C extends Record & RunConfig> LoadedRun<C> read(
            TrainingMethod<C, ?> method, Path file, List<String> overrides) {
        return read(method, method.defaults(), file, overrides);
    }

    /// The method a file is meant for: one that knows all of its keys and can use its rows.
    ///
    /// @param file the run's; an empty path if the arguments name it or have all keys
    /// @param rows asks for the type of the first row; only where keys leave a choice
    /// @throws org.attune.error.ConfigException naming the methods among which it can't choose
    public MethodChoice methodOf(Path file, List<String> overrides, MethodChoice.FirstRow rows) {
        return rules(file, overrides, rows).choose();
    }

    /// The type of the first row that is named; empty if none is.
    ///
    /// @param words keys of a run, as in [#read]
    /// @throws org.attune.error.ConfigException if the method doesn't learn from such rows
    /// @throws org.attune.error.DatasetException if they can't be read
    public Optional<DatasetType> rowsFor(
            TrainingMethod<?, ?> method, List<String> words, MethodChoice.FirstRow rows) {
        return rules(Path.of(""), words, rows).requireSuiting(method);
    }

    private MethodRules rules(Path file, List<String> words, MethodChoice.FirstRow rows) {
        var problems = new Problems();
        var forms = new KeyForms(table, Methods.all());
        Settings run = Settings.read(file, words, forms, problems);
        run.keys().keySet().removeAll(blocks);
        problems.throwIfAny();
        return new MethodRules(table, run.name(), run.directory(), run.keys(), rows);
    }

    /// Whether a file is one of a command that trains nothing: it has a key that the command has
    /// and no method.
    ///
    /// @param defaults the command's records in which nothing is set
    /// @param file as in [#read]
    /// @param overrides as in [#read]
    public boolean isOf(Record defaults, Path file, List<String> overrides) {
        var forms = new KeyForms(table, Methods.all());
        Settings run = Settings.read(file, overrides, forms, new Problems());
        Set<String> own = RecordBinder.types(defaults).keySet();
        return run.keys().keySet().stream()
                .anyMatch(key -> own.contains(key) && table.methodsOf(key).isEmpty());
    }

    <T extends Record> LoadedRun<T> read(
            TrainingMethod<?, ?> method, T defaults, Path file, List<String> overrides) {
        var forms = new KeyForms(table, List.of(method));
        return read(forms, new KeyCheck(table, method), defaults, file, overrides);
    }

    /// Reads what a command is told that trains nothing. Its keys are the names in its records.
    ///
    /// @param command what messages call it
    /// @param defaults the records in which nothing is set
    /// @param file as in [#read]
    /// @param overrides as in [#read]
    /// @throws org.attune.error.ConfigException with all problems
    public <T extends Record> LoadedRun<T> readCommand(
            String command, T defaults, Path file, List<String> overrides) {
        List<Key> keys = RecordBinder.types(defaults).keySet().stream().map(Key::own).toList();
        var check = new KeyCheck(table, command, keys);
        return read(new KeyForms(defaults), check, defaults, file, overrides);
    }

    private <T extends Record> LoadedRun<T> read(
            KeyForms forms, KeyCheck check, T defaults, Path file, List<String> overrides) {
        var problems = new Problems();
        Settings run = Settings.read(file, overrides, forms, problems);
        Map<String, Setting> settings = run.keys();
        settings.keySet().removeAll(blocks);
        Map<String, String> places = places(settings);
        List<String> notes = new ArrayList<>(check.sort(settings, problems));
        RunEnvironment environment = environment(settings.remove("env"), notes, problems);
        Map<String, Setting> given = Map.copyOf(settings);
        PastedSettings.resolve(settings, run.directory(), notes, problems);
        KeyAliases.resolve(settings, notes, problems);
        var missing = new Problems();
        PathKeys.resolve(settings, run.directory(), problems, missing);
        var binder = new RecordBinder(settings, problems);
        T config = binder.bind(defaults);
        List<ConfigProblem> wrong = new ArrayList<>(ConfigCheck.problems(config));
        if (config instanceof RunConfig ofRun) {
            wrong.addAll(RunReporters.problems(ofRun.training().log().reportTo()));
        }
        for (ConfigProblem problem : wrong) {
            if (!binder.unread().contains(top(problem))) {
                add(problem, run.name(), settings, given, problems);
            }
        }
        problems.throwIfAny();
        places.putAll(places(settings));
        return new LoadedRun<>(config, environment, notes, run.directory(), places, missing);
    }

    private static Map<String, String> places(Map<String, Setting> settings) {
        Map<String, String> places = new HashMap<>();
        settings.forEach((key, setting) -> places.put(key, setting.where()));
        return places;
    }

    /// The key of the file that a problem is about.
    private static String top(ConfigProblem problem) {
        return problem.key().replaceFirst("[\\[.].*", "");
    }

    private static void add(
            ConfigProblem problem,
            String name,
            Map<String, Setting> settings,
            Map<String, Setting> given,
            Problems problems) {
        String top = top(problem);
        Setting setting = settings.getOrDefault(top, given.get(top));
        if (setting == null) {
            problems.add(name, problem.toString());
        } else {
            problems.add(setting.where(), problem.toString());
        }
    }

    static RunEnvironment environment(Setting setting, List<String> notes, Problems problems) {
        Map<String, String> variables = new LinkedHashMap<>();
        if (setting == null || setting.value().isNull()) {
            return new RunEnvironment(variables);
        }
        if (!(setting.value() instanceof YamlNode.Fields fields)) {
            problems.add(
                    setting.where(),
                    "env: " + setting.value() + "; accepted: variables with values");
            return new RunEnvironment(variables);
        }
        List<String> read = RunEnvironment.read();
        for (YamlNode.Field field : fields.fields()) {
            variables.put(field.key(), field.value().toString());
            if (!read.contains(field.key())) {
                notes.add(
                        setting.where()
                                + ": env: "
                                + field.key()
                                + " has no effect here; read are "
                                + String.join(", ", read));
            }
        }
        return new RunEnvironment(variables);
    }
}
