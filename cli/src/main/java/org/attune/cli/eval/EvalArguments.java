package org.attune.cli.eval;

import org.attune.cli.command.SamplingArguments;
import org.attune.error.ConfigException;
import org.attune.reward.task.AnswerCheck;
import org.attune.reward.task.Tasks;
import org.attune.trainers.config.EvalTask;

import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/// Arguments that say what a model is asked, and how its answers are judged.
final class EvalArguments {
    @Option(
            names = "--task",
            paramLabel = "NAME",
            description = "A task that comes with Attune; attune tasks lists them.")
    String task;

    @Option(
            names = "--difficulty",
            paramLabel = "LEVEL",
            description = "Of the task: easy, medium, hard, name=value,… or both (default: easy).")
    String difficulty;

    @Option(
            names = "--train-split",
            description = "Ask problems of the side to train on instead of held-out ones.")
    boolean trainSplit;

    @Option(
            names = "--data",
            paramLabel = "FILE",
            description = "Rows with a prompt and the right answer, instead of a task.")
    Path data;

    @Option(
            names = "--prompt-column",
            paramLabel = "NAME",
            description = "Text or messages (default: prompt).")
    String promptColumn;

    @Option(
            names = "--answer-column",
            paramLabel = "NAME",
            description = "The right answer (default: answer).")
    String answerColumn;

    @Option(
            names = "--verifier",
            paramLabel = "NAME",
            description =
                    "How answers are compared: exact, number, numbers, word, json, weekday, or a"
                            + " reward by name (gsm8k, accuracy_reward …).")
    String verifier;

    @Option(
            names = "--raw",
            description = "Continue a file's text prompts as they are, without a chat template.")
    boolean raw;

    @Option(names = "--system", paramLabel = "TEXT", description = "System message.")
    String system;

    @Option(
            names = "--n",
            paramLabel = "COUNT",
            description = "Problems (default: 200 of a task, all of a file).")
    Integer count;

    /// Whether rows were given and nothing that says how answers to them are judged.
    boolean areLabelled() {
        return task == null && data != null && verifier == null;
    }

    /// The task that the options describe.
    ///
    /// @param sampling of the completions
    /// @param samples completions of each problem
    /// @throws ConfigException if the options name neither or both of task and file
    EvalTask task(SamplingArguments sampling, int samples) {
        if ((task == null) == (data == null)) {
            throw new ConfigException(
                    "give either --task NAME (%s) or --data FILE"
                            .formatted(String.join(", ", Tasks.names())));
        }
        if (count != null && count < 1) {
            throw new ConfigException("--n is " + count + "; accepted: at least 1");
        }
        if (task != null) {
            refuse("--task", Map.of("--prompt-column", promptColumn != null, "--raw", raw));
            refuse(
                    "--task",
                    Map.of(
                            "--verifier",
                            verifier != null,
                            "--answer-column",
                            answerColumn != null));
        } else {
            refuse(
                    "--data",
                    Map.of("--difficulty", difficulty != null, "--train-split", trainSplit));
            requireVerifier();
        }
        return new EvalTask(
                Optional.empty(),
                Optional.ofNullable(task),
                Optional.ofNullable(difficulty),
                trainSplit,
                Optional.ofNullable(data).map(Path::toString),
                Optional.ofNullable(promptColumn),
                Optional.ofNullable(answerColumn),
                Optional.ofNullable(verifier),
                raw,
                Optional.ofNullable(system),
                count == null ? OptionalInt.empty() : OptionalInt.of(count),
                samples,
                sampling.options().maxNewTokens(),
                sampling.temperature,
                sampling.seed);
    }

    private void requireVerifier() {
        if (verifier == null) {
            throw new ConfigException(
                    "--data needs --verifier, one of "
                            + List.of(AnswerCheck.values()).stream()
                                    .map(AnswerCheck::toString)
                                    .collect(Collectors.joining(", ")));
        }
    }

    private static void refuse(String with, Map<String, Boolean> given) {
        given.forEach(
                (option, is) -> {
                    if (is) {
                        throw new ConfigException(option + " has no meaning with " + with);
                    }
                });
    }
}
