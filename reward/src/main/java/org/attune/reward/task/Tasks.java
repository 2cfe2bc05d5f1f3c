package org.attune.reward.task;

import org.attune.error.ConfigException;
import org.attune.error.Spelling;

import java.util.List;
import java.util.stream.Collectors;

/// The tasks that come with Attune.
public final class Tasks {
    private static final List<TaskKind> KINDS =
            List.of(
                    new Arithmetic(),
                    new Modulo(),
                    new LetterCounting(),
                    new NumberSorting(),
                    new Extremum(),
                    new Reversal(),
                    new JsonExtraction(),
                    new Weekday());

    private Tasks() {}

    /// All kinds of tasks.
    public static List<TaskKind> all() {
        return KINDS;
    }

    /// The names of all kinds of tasks.
    public static List<String> names() {
        return KINDS.stream().map(TaskKind::name).toList();
    }

    /// A task by name.
    ///
    /// @param difficulty as in [Task#Task(TaskKind, String)]
    /// @throws ConfigException if there is no such task; says which name is near, and all of them
    public static Task of(String name, String difficulty) {
        return KINDS.stream()
                .filter(kind -> kind.name().equals(name))
                .findFirst()
                .map(kind -> new Task(kind, difficulty))
                .orElseThrow(() -> unknown(name));
    }

    private static ConfigException unknown(String name) {
        String nearest =
                Spelling.nearest(name, names()).map(n -> "did you mean " + n + "? ").orElse("");
        return new ConfigException(
                "there is no task \"%s\"; %saccepted: %s"
                        .formatted(
                                name, nearest, names().stream().collect(Collectors.joining(", "))));
    }
}
