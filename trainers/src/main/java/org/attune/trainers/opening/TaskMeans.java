package org.attune.trainers.opening;

import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.models.ModelSetup;
import org.attune.models.eval.EvalProblem;
import org.attune.models.eval.EvalRow;
import org.attune.models.eval.ModelEval;
import org.attune.ranks.Collective;
import org.attune.reward.task.AnswerReward;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.trainers.config.EvalTask;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.WrittenAnswer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/// What the policy of a run reaches in tasks, at each evaluation: it answers their problems, and
/// their judges give rewards. The ranks of a run deal the problems among themselves where nothing
/// is drawn; else each answers all, as draws depend on a completion's place among all.
final class TaskMeans {
    /// Answers that listeners are told.
    private static final int SHOWN = 4;

    private final List<Asked> tasks;
    private final ModelSetup model;

    /// A task with its problems.
    private record Asked(EvalTask task, TaskQuestions questions, SamplingConfig sampling) {}

    private TaskMeans(List<Asked> tasks, ModelSetup model) {
        this.tasks = tasks;
        this.model = model;
    }

    /// Reads the problems of tasks.
    ///
    /// @param model of the policy; borrowed
    /// @param hub where names of data sets are looked up
    /// @throws ConfigException if two tasks have one name, or problems don't suit the model
    static TaskMeans read(List<EvalTask> tasks, ModelSetup model, HubCache hub) {
        Set<String> names = new HashSet<>();
        List<Asked> asked = new ArrayList<>();
        for (EvalTask task : tasks) {
            if (!names.add(task.label())) {
                throw new ConfigException(
                        "eval_tasks: two are called %s; give one of them another name"
                                .formatted(task.label()));
            }
            TaskQuestions questions = questions(task, model, hub);
            asked.add(new Asked(task, questions, TaskQuestions.options(task).of(model)));
        }
        return new TaskMeans(List.copyOf(asked), model);
    }

    private static TaskQuestions questions(EvalTask task, ModelSetup model, HubCache hub) {
        try {
            TaskQuestions read = TaskQuestions.of(task, hub, model.images().isPresent());
            read.requireTemplate(model);
            return read;
        } catch (ConfigException e) {
            throw ConfigException.about("eval_tasks", e.getMessage());
        }
    }

    /// Asks a policy, each time that a run with these surroundings is evaluated.
    ///
    /// @param policy completes by its present weights; asked for where there are tasks
    Function<RunContext, List<HeldOutMeans>> of(Supplier<TextCompleter> policy) {
        if (tasks.isEmpty()) {
            return _ -> List.of();
        }
        TextCompleter completer = policy.get();
        return context -> tasks.stream().map(t -> measure(t, completer, context)).toList();
    }

    private HeldOutMeans measure(Asked asked, TextCompleter completer, RunContext context) {
        List<EvalProblem> problems = asked.questions().problems();
        Collective ranks = context.ranks();
        boolean dealt = asked.task().temperature() == 0;
        int from = dealt ? share(problems.size(), ranks.rank(), ranks) : 0;
        int to = dealt ? share(problems.size(), ranks.rank() + 1, ranks) : problems.size();
        List<EvalRow> mine =
                from == to
                        ? List.of()
                        : new ModelEval(completer, model.text(), asked.questions().reward())
                                .run(
                                        problems.subList(from, to),
                                        asked.sampling(),
                                        asked.task().samples())
                                .rows();
        double[] part = mine.stream().mapToDouble(row -> row.mean().orElse(Double.NaN)).toArray();
        double[] rewards =
                dealt
                        ? Arrays.stream(ranks.allGather("rewards of tasks", part))
                                .flatMapToDouble(Arrays::stream)
                                .toArray()
                        : part;
        tell(asked, mine, rewards, context);
        return new HeldOutMeans(asked.task().label(), rewards.length, means(rewards));
    }

    private static int share(int problems, int rank, Collective ranks) {
        return (int) ((long) problems * rank / ranks.size());
    }

    /// Mean over the problems that have a reward, and its standard error.
    private static Map<String, Double> means(double[] rewards) {
        double[] given = Arrays.stream(rewards).filter(reward -> !Double.isNaN(reward)).toArray();
        double mean = Arrays.stream(given).sum() / given.length;
        double squares = Arrays.stream(given).map(v -> (v - mean) * (v - mean)).sum();
        Map<String, Double> means = new LinkedHashMap<>();
        means.put(MetricKeys.REWARD, mean);
        means.put(
                MetricKeys.REWARD_STDERR,
                given.length < 2 ? 0 : Math.sqrt(squares / (given.length - 1) / given.length));
        return means;
    }

    private static void tell(
            Asked asked, List<EvalRow> mine, double[] rewards, RunContext context) {
        List<EvalProblem> problems = asked.questions().problems();
        List<MeasuredRow> measured = new ArrayList<>();
        for (int i = 0; i < rewards.length; i++) {
            String where = problems.get(i).where();
            measured.add(
                    new MeasuredRow(
                            where.isEmpty() ? "problem " + (i + 1) : where,
                            Double.isNaN(rewards[i])
                                    ? Map.of()
                                    : Map.of(MetricKeys.REWARD, rewards[i])));
        }
        List<WrittenAnswer> answers = new ArrayList<>();
        for (int i = 0; i < Math.min(SHOWN, mine.size()); i++) {
            EvalRow row = mine.get(i);
            String written = row.completions().getFirst();
            answers.add(new WrittenAnswer(i, row.problem().text(), right(asked, row), written));
        }
        String name = asked.task().label();
        context.listeners().forEach(l -> l.onHeldOutRows(name, measured));
        context.listeners().forEach(l -> l.onHeldOutAnswers(name, answers));
    }

    /// The right answer, where a row has one.
    private static Map<String, String> right(Asked asked, EvalRow row) {
        String column = asked.task().answerColumn().orElse(AnswerReward.COLUMN);
        Object answer = row.problem().columns().get(column);
        return answer == null ? Map.of() : Map.of(column, answer.toString());
    }
}
