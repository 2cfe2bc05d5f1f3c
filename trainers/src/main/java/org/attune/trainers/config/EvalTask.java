package org.attune.trainers.config;

import org.attune.records.CopyMethods;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Questions that a model answers while it is evaluated, and how its answers are judged: problems
/// of a task that comes with Attune, or rows of a file.
///
/// @param name stands in metrics, `eval_<name>_reward`; unset: the task's or the file's name
/// @param task a task that comes with Attune; unset: rows of `data`
/// @param difficulty of the task, such as `hard`; unset: `easy`
/// @param trainSplit whether problems are of the task's side to train on instead of held-out ones
/// @param data file, folder or name on the Hub of rows with a prompt and what it is judged by
/// @param promptColumn text or messages; unset: `prompt`
/// @param answerColumn the right answer; unset: `answer`
/// @param verifier how answers are compared (`exact`, `number` …), or a built-in reward by name.
///     Needed with `data`; a task has its own
/// @param raw whether texts are continued as they are, without a chat template
/// @param system system message before each conversation
/// @param n problems; unset: 200 of a task, all rows of a file
/// @param samples completions of each problem; more than 1 need a temperature above 0
/// @param maxNewTokens most tokens of a completion
/// @param temperature 0 takes the likeliest token
/// @param seed of a task's problems and of all draws
@CopyMethods
public record EvalTask(
        Optional<String> name,
        Optional<String> task,
        Optional<String> difficulty,
        boolean trainSplit,
        Optional<String> data,
        Optional<String> promptColumn,
        Optional<String> answerColumn,
        Optional<String> verifier,
        boolean raw,
        Optional<String> system,
        @InRange(min = 1) OptionalInt n,
        @InRange(min = 1) int samples,
        @InRange(min = 1) int maxNewTokens,
        @InRange(min = 0) double temperature,
        long seed)
        implements EvalTaskCopies, CrossChecked {
    /// One likeliest completion of at most 256 tokens to each problem; nothing is asked yet.
    public static EvalTask defaults() {
        return EvalTaskCopies.blank().withSamples(1).withMaxNewTokens(256).withSeed(42);
    }

    /// Problems of a task that comes with Attune.
    public static EvalTask of(String task) {
        return defaults().withTask(task);
    }

    /// The name in metrics: as given, else the task's, else the file's without its ending.
    public String label() {
        return name.or(() -> task)
                .orElseGet(
                        () -> {
                            String file = Path.of(data.orElse("task")).getFileName().toString();
                            return file.replaceFirst("\\.[A-Za-z0-9.]+$", "");
                        });
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<ConfigProblem>();
        if (task.isPresent() == data.isPresent()) {
            problems.add(
                    new ConfigProblem(
                            "task",
                            task.orElse("unset"),
                            "either a task that comes with Attune, or data, rows with a prompt"));
        }
        if (data.isPresent() && verifier.isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "verifier",
                            "unset",
                            "beside data how answers are judged: exact, number, or a"
                                    + " built-in reward"));
        }
        if (samples > 1 && temperature == 0) {
            problems.add(
                    new ConfigProblem("samples", samples, "1, or more with a temperature above 0"));
        }
        meaningless("task", task.isPresent(), "verifier", verifier.isPresent(), problems);
        meaningless("task", task.isPresent(), "prompt_column", promptColumn.isPresent(), problems);
        meaningless("task", task.isPresent(), "answer_column", answerColumn.isPresent(), problems);
        meaningless("task", task.isPresent(), "raw", raw, problems);
        meaningless("data", data.isPresent(), "difficulty", difficulty.isPresent(), problems);
        meaningless("data", data.isPresent(), "train_split", trainSplit, problems);
        return problems;
    }

    private static void meaningless(
            String with, boolean given, String key, boolean set, List<ConfigProblem> problems) {
        if (given && set) {
            problems.add(new ConfigProblem(key, "set", "unset: it has no meaning with " + with));
        }
    }
}
