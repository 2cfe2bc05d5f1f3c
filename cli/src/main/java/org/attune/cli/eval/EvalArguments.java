package org.attune.cli.eval;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.error.ConfigException;
import org.attune.hub.HubDownload;
import org.attune.models.eval.EvalProblem;
import org.attune.reward.RewardFunction;
import org.attune.reward.builtin.BuiltinRewards;
import org.attune.reward.task.AnswerCheck;
import org.attune.reward.task.AnswerReward;
import org.attune.reward.task.Split;
import org.attune.reward.task.Task;
import org.attune.reward.task.Tasks;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.trainers.prepare.PlainPrompts;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Arguments that say what a model is asked, and how its answers are judged.
final class EvalArguments {
    private static final Logger LOG = LoggerFactory.getLogger(EvalArguments.class);

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

    /// Problems, the function that judges them, and what they are called.
    record Questions(String title, List<EvalProblem> problems, RewardFunction reward) {
        /// Whether any is a conversation.
        boolean needsTemplate() {
            return problems.stream().anyMatch(problem -> problem.conversation().isPresent());
        }
    }

    /// @throws ConfigException if the options name neither or both of task and file, or something
    ///     that isn't there
    Questions questions(long seed) {
        if ((task == null) == (data == null)) {
            throw new ConfigException(
                    "give either --task NAME (%s) or --data FILE"
                            .formatted(String.join(", ", Tasks.names())));
        }
        if (count != null && count < 1) {
            throw new ConfigException("--n is " + count + "; accepted: at least 1");
        }
        return task == null ? ofFile() : ofTask(seed);
    }

    private Questions ofTask(long seed) {
        refuse("--task", Map.of("--prompt-column", promptColumn != null, "--raw", raw));
        refuse(
                "--task",
                Map.of("--verifier", verifier != null, "--answer-column", answerColumn != null));
        Task chosen = Tasks.of(task, difficulty == null ? "" : difficulty);
        Split split = trainSplit ? Split.TRAIN : Split.HELD_OUT;
        List<EvalProblem> problems =
                chosen.generate(seed, count == null ? 200 : count, split).stream()
                        .map(EvalProblem::of)
                        .map(this::withSystem)
                        .toList();
        return new Questions(
                "%s, %s, %s problems, seed %d"
                        .formatted(chosen.name(), chosen.difficulty(), split, seed),
                problems,
                chosen.verifier());
    }

    private Questions ofFile() {
        refuse("--data", Map.of("--difficulty", difficulty != null, "--train-split", trainSplit));
        if (verifier == null) {
            throw new ConfigException(
                    "--data needs --verifier, one of "
                            + List.of(AnswerCheck.values()).stream()
                                    .map(AnswerCheck::toString)
                                    .collect(Collectors.joining(", ")));
        }
        var source =
                new DatasetSource(
                        data.toString(),
                        Optional.empty(),
                        Optional.of(DatasetType.PROMPT_ONLY.key()),
                        SplitSpec.TRAIN,
                        promptColumn == null ? Map.of() : Map.of(promptColumn, "prompt"));
        List<Sample> samples =
                new DatasetLoader(Path.of(""), HubDownload.cache(), BadRowPolicy.ERROR)
                        .load(List.of(source), Set.of(DatasetType.PROMPT_ONLY)).samples().stream()
                                .limit(count == null ? Long.MAX_VALUE : count)
                                .toList();
        if (!raw && PlainPrompts.count(samples) > 0) {
            LOG.info(
                    "{} prompts are plain text and become a user's message in the chat template;"
                            + " --raw continues them as they are",
                    PlainPrompts.count(samples));
        }
        List<EvalProblem> problems =
                samples.stream().map(this::problem).map(this::withSystem).toList();
        return new Questions(data + ", verifier " + verifier, problems, judge());
    }

    private RewardFunction judge() {
        String column = answerColumn == null ? AnswerReward.COLUMN : answerColumn;
        if (!BuiltinRewards.names().contains(verifier)
                && !BuiltinRewards.kinds().containsKey(verifier)) {
            return new AnswerReward(AnswerCheck.of(verifier), column);
        }
        return BuiltinRewards.create(
                verifier, answerColumn == null ? Map.of() : Map.of("column", column));
    }

    private EvalProblem problem(Sample sample) {
        Sample.PromptOnly row = (Sample.PromptOnly) sample;
        Map<String, Object> columns = row.row().columns();
        EvalProblem problem =
                switch (row.prompt()) {
                    case Content.Text(String text) when raw -> EvalProblem.continued(text, columns);
                    case Content.Text(String text) -> asked(List.of(Message.of("user", text)), row);
                    case Content.Turns(List<Message> turns) -> asked(turns, row);
                };
        return problem.from(row.row().origin().where());
    }

    private static EvalProblem asked(List<Message> turns, Sample.PromptOnly row) {
        TemplateOptions options = row.options();
        return EvalProblem.asked(
                new Conversation(turns, options.tools(), options.variables()), row.row().columns());
    }

    private EvalProblem withSystem(EvalProblem problem) {
        return system == null ? problem : problem.withSystem(system);
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
