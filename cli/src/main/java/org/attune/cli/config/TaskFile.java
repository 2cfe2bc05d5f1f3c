package org.attune.cli.config;

import jakarta.validation.Valid;

import org.attune.error.ConfigException;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.config.EvalTask;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Reads the tasks of an evaluation from the key `eval_tasks` of a YAML file, which may be a run's.
final class TaskFile {
    private static final String KEY = "eval_tasks";

    private static final Tasks NONE = new Tasks(List.of());

    /// The key that is read; public as other packages read it by reflection.
    public record Tasks(List<@Valid EvalTask> evalTasks) {}

    private TaskFile() {}

    /// Reads all tasks of a file; paths of their rows may start beside it.
    ///
    /// @throws ConfigException naming file, line and key of what is wrong
    static List<EvalTask> read(Path file) {
        var problems = new Problems();
        Settings settings = Settings.read(file, List.of(), new KeyForms(NONE), problems);
        Setting given = settings.keys().get(KEY);
        if (given == null) {
            problems.throwIfAny();
            throw new ConfigException(
                    file + " has no eval_tasks; accepted: a YAML file with a list of tasks there");
        }
        Map<String, Setting> alone = new HashMap<>(Map.of(KEY, given));
        PathKeys.resolve(alone, settings.directory(), problems, problems);
        Tasks config = new RecordBinder(alone, problems).bind(NONE);
        problems.throwIfAny();
        ConfigCheck.problems(config).forEach(p -> problems.add(given.where(), p.toString()));
        problems.throwIfAny();
        return config.evalTasks();
    }
}
