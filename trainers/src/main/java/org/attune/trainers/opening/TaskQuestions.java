package org.attune.trainers.opening;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.models.GenerationOptions;
import org.attune.models.ModelSetup;
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
import org.attune.trainers.config.EvalTask;
import org.attune.trainers.prepare.PlainPrompts;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Problems of a task or a file, and the function that judges answers to them.
///
/// @param title for people
public record TaskQuestions(String title, List<EvalProblem> problems, RewardFunction reward) {
    private static final Logger LOG = LoggerFactory.getLogger(TaskQuestions.class);

    /// Problems of a task that comes with Attune, unless it is said how many.
    private static final int OF_A_TASK = 200;

    /// Makes a task's problems, or reads a file's.
    ///
    /// @param task checked
    /// @param hub where names of data sets are looked up
    /// @param sees whether a model that is asked sees the pictures of rows
    /// @throws ConfigException if the task or the way to judge isn't there
    /// @throws org.attune.error.DatasetException naming file and line of a row that can't be read
    public static TaskQuestions of(EvalTask task, HubCache hub, boolean sees) {
        return task.task().isPresent() ? ofTask(task) : ofFile(task, hub, sees);
    }

    private static TaskQuestions ofTask(EvalTask asked) {
        Task task = Tasks.of(asked.task().orElseThrow(), asked.difficulty().orElse(""));
        Split split = asked.trainSplit() ? Split.TRAIN : Split.HELD_OUT;
        List<EvalProblem> problems =
                task.generate(asked.seed(), asked.n().orElse(OF_A_TASK), split).stream()
                        .map(EvalProblem::of)
                        .map(problem -> withSystem(problem, asked))
                        .toList();
        return new TaskQuestions(
                "%s, %s, %s problems, seed %d"
                        .formatted(task.name(), task.difficulty(), split, asked.seed()),
                problems,
                task.verifier());
    }

    private static TaskQuestions ofFile(EvalTask asked, HubCache hub, boolean sees) {
        String file = asked.data().orElseThrow();
        var source =
                new DatasetSource(
                        file,
                        Optional.empty(),
                        Optional.of(DatasetType.PROMPT_ONLY.key()),
                        SplitSpec.TRAIN,
                        asked.promptColumn().map(c -> Map.of(c, "prompt")).orElse(Map.of()));
        Stream<Sample> read =
                new DatasetLoader(Path.of(""), hub, BadRowPolicy.ERROR)
                                .seeing(sees)
                                .load(List.of(source), Set.of(DatasetType.PROMPT_ONLY))
                                .samples()
                                .stream();
        List<Sample> samples =
                read.limit(asked.n().isPresent() ? asked.n().getAsInt() : Long.MAX_VALUE).toList();
        if (!asked.raw() && PlainPrompts.count(samples) > 0) {
            LOG.info(
                    "{}: {} prompts are plain text and become a user's message in the chat"
                            + " template; raw: true (--raw) continues them as they are",
                    file,
                    PlainPrompts.count(samples));
        }
        List<EvalProblem> problems =
                samples.stream()
                        .map(sample -> problem((Sample.PromptOnly) sample, asked.raw()))
                        .map(problem -> withSystem(problem, asked))
                        .toList();
        String verifier = asked.verifier().orElseThrow();
        String column = asked.answerColumn().orElse(AnswerReward.COLUMN);
        return new TaskQuestions(
                file + ", verifier " + verifier, problems, judge(verifier, column, asked));
    }

    private static RewardFunction judge(String verifier, String column, EvalTask asked) {
        if (!BuiltinRewards.names().contains(verifier)
                && !BuiltinRewards.kinds().containsKey(verifier)) {
            return new AnswerReward(AnswerCheck.of(verifier), column);
        }
        return BuiltinRewards.create(
                verifier, asked.answerColumn().isPresent() ? Map.of("column", column) : Map.of());
    }

    private static EvalProblem problem(Sample.PromptOnly row, boolean raw) {
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

    private static EvalProblem withSystem(EvalProblem problem, EvalTask asked) {
        return asked.system().map(problem::withSystem).orElse(problem);
    }

    /// How answers to a task are sampled.
    public static GenerationOptions options(EvalTask task) {
        return GenerationOptions.defaults()
                .withMaxNewTokens(task.maxNewTokens())
                .withTemperature(task.temperature())
                .withSeed(task.seed());
    }

    /// Refuses conversations for a model that has no chat template.
    ///
    /// @throws ConfigException saying what helps
    public void requireTemplate(ModelSetup model) {
        boolean needed = problems.stream().anyMatch(problem -> problem.conversation().isPresent());
        if (needed && model.text().template().isEmpty()) {
            throw new ConfigException(
                    ("%s has no chat template, which the conversations of %s need; give one with"
                                    + " chat_template_path (--chat-template), or continue a file's"
                                    + " texts as they are with raw: true (--raw)")
                            .formatted(model.source().path(), title));
        }
    }
}
