package org.attune.trainers.distillation;

import org.attune.rollout.SampledCompletion;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.onpolicy.JudgedCompletions;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.RoundPosition;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.step.RowAt;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/// Prompts that the student completes in every step, one round a step.
final class PromptRows implements StudentRows {
    /// How the rows of a method differ.
    ///
    /// @param skipped first tokens of a completion that don't count, ≥ 0
    /// @param taught whether completions are written behind the teacher's prompt
    /// @param rowMeans whether each row counts alike, whatever its length
    /// @param told what the teacher is told about attempts; empty: what rows have for it
    /// @param teacher number of the teacher of a row with such columns
    record Options(
            int skipped,
            boolean taught,
            boolean rowMeans,
            Optional<Told> told,
            ToIntFunction<Map<String, Object>> teacher) {}

    /// What the teacher is told about attempts.
    ///
    /// @param watch warns where it is told nothing
    /// @param masksTruncated whether completions that hit the limit don't count
    record Told(Reprompts reprompts, RepromptWatch watch, boolean masksTruncated) {}

    /// A round as rows.
    ///
    /// @param rows in the order in which they were asked for
    /// @param metrics of the round
    private record Lesson(List<StudentRow> rows, List<Map<String, Double>> metrics) {}

    private final GeneratingRun config;
    private final Options options;
    private final RoundPlan plan;
    private final List<PromptExample> prompts;
    private final List<EvalSet<PromptExample>> evalSets;
    private final Rounds rounds;
    private final RunContext context;
    private final RoundPosition position;
    private final List<PromptExample> asked;

    /// @param options of the method
    /// @param plan which prompts a step completes
    /// @param prompts of the data
    /// @param evalSets may be empty
    /// @param rounds completes them
    PromptRows(
            GeneratingRun config,
            Options options,
            RoundPlan plan,
            List<PromptExample> prompts,
            List<EvalSet<PromptExample>> evalSets,
            Rounds rounds,
            RunContext context) {
        this.config = config;
        this.options = options;
        this.plan = plan;
        this.prompts = prompts;
        this.evalSets = evalSets;
        this.rounds = rounds;
        this.context = context;
        asked = asked(prompts);
        position = new RoundPosition(rounds);
    }

    @Override
    public int steps(double epochs) {
        return plan.steps(epochs);
    }

    @Override
    public int stepsPerEpoch() {
        return plan.stepsPerEpoch();
    }

    @Override
    public RowTokens lengths() {
        return options.told()
                .map(told -> lengths(config, told.reprompts(), prompts))
                .orElseGet(() -> RoundPlan.rowTokens(config, prompts));
    }

    /// How long rows may be that the teacher reads behind other prompts.
    static RowTokens lengths(
            GeneratingRun config, Reprompts reprompts, List<PromptExample> prompts) {
        int completion = config.maxCompletionLength();
        return RowTokens.atMost(
                Math.max(
                                RoundPlan.rowTokens(config, prompts).longestRow() - completion,
                                reprompts.longest(prompts, completion))
                        + completion,
                config.training().batch().rowsOfStep());
    }

    @Override
    public String heldoutMetric() {
        return options.told().isPresent() ? MetricKeys.REWARD : MetricKeys.LOSS;
    }

    @Override
    public String fingerprint() {
        return Fingerprints.of(prompts, Fingerprints::ofPrompts);
    }

    @Override
    public Map<String, String> identity() {
        return Fingerprints.ofRecorded(config.rollouts().recordedRollouts());
    }

    @Override
    public Step training(int step) {
        int[] indices = plan.promptsOf(step);
        int generations = config.numGenerations();
        JudgedCompletions made = rounds.complete(step, indices, asked, generations);
        int[] order = rounds.order(step, () -> IntStream.range(0, made.rows().size()).toArray());
        rounds.keep(step, made, order);
        Lesson lesson =
                lesson(
                        made,
                        i -> prompts.get(indices[i / generations]),
                        generations,
                        table -> context.listeners().forEach(l -> l.onCompletions(step, table)));
        options.told().ifPresent(told -> told.watch().look(lesson.metrics().getLast()));
        List<RowAt<StudentRow>> rows = new ArrayList<>();
        for (int i : order) {
            int microBatch = rows.size() / plan.microBatchRows();
            int index = indices[i / generations];
            rows.add(new RowAt<>(lesson.rows().get(i), index, microBatch, rows.size()));
        }
        double counted =
                options.rowMeans()
                        ? rows.size()
                        : rows.stream().mapToInt(r -> r.row().counted()).sum();
        return new Step(
                rows, plan.accumulation(), Math.max(1, counted), lesson.metrics(), made.tokens());
    }

    @Override
    public void learned(int step) {
        position.used(step);
    }

    /// @param asked the prompt of each completion
    /// @param seen takes what watchers are shown
    private Lesson lesson(
            JudgedCompletions made,
            IntFunction<PromptExample> asked,
            int generations,
            Consumer<CompletionTable> seen) {
        List<PromptExample> each = IntStream.range(0, made.rows().size()).mapToObj(asked).toList();
        Optional<Reprompts.Round> round =
                options.told().map(told -> told.reprompts().of(made, each, generations));
        JudgedCompletions shown = round.map(r -> made.shown(r.advantages())).orElse(made);
        seen.accept(shown.table());
        List<StudentRow> rows = new ArrayList<>();
        for (int i = 0; i < each.size(); i++) {
            StudentRow row = row(made, i, each.get(i));
            int place = i;
            rows.add(round.map(r -> attempt(row, r, place, made.sampled().get(place))).orElse(row));
        }
        List<Map<String, Double>> metrics = new ArrayList<>(List.of(shown.metrics()));
        round.ifPresent(r -> metrics.add(r.metrics()));
        return new Lesson(rows, metrics);
    }

    /// A completion with what the teacher and the rewards say of it.
    private StudentRow attempt(
            StudentRow row, Reprompts.Round round, int i, SampledCompletion sampled) {
        int length = row.tokens().completion().length;
        BitSet foreign = row.foreign();
        if (options.told().orElseThrow().masksTruncated() && !sampled.reason().isFinished()) {
            foreign.set(0, length);
        }
        Optional<int[]> read = round.read().get(i);
        return new StudentRow(
                row.tokens(),
                read.map(ids -> new CompletionForest.Row(ids, row.tokens().completion()))
                        .orElse(row.tokens()),
                foreign,
                row.origin(),
                read.isPresent(),
                Optional.empty(),
                Optional.empty(),
                round.advantages().values()[i],
                row.teacher());
    }

    private StudentRow row(JudgedCompletions made, int i, PromptExample prompt) {
        CompletionForest.Row written = made.rows().get(i);
        CompletionForest.Row own =
                options.taught()
                        ? new CompletionForest.Row(prompt.ids(), written.completion())
                        : written;
        BitSet uncounted = config.agent().unlearned(made.sampled().get(i));
        uncounted.set(0, Math.min(options.skipped(), written.completion().length));
        CompletionForest.Row read =
                prompt.taught()
                        .map(t -> new CompletionForest.Row(t.ids(), written.completion()))
                        .orElse(own);
        return new StudentRow(own, read, uncounted, prompt.origin().where())
                .of(options.teacher().applyAsInt(prompt.columns()));
    }

    /// The prompts behind which completions are written.
    private List<PromptExample> asked(List<PromptExample> all) {
        return options.taught() ? all.stream().map(p -> p.taught().orElse(p)).toList() : all;
    }

    @Override
    public List<HeldOut> heldOut() {
        return evalSets.stream().map(this::heldOut).toList();
    }

    private HeldOut heldOut(EvalSet<PromptExample> set) {
        int batch = config.training().batch().perDeviceEvalBatchSize();
        int generations = config.heldOut().generations(config);
        var asked = new EvalSet<>(set.name(), asked(set.rows()));
        JudgedCompletions made = rounds.heldOut().completed(asked, context);
        Lesson lesson = lesson(made, i -> set.rows().get(i / generations), generations, _ -> {});
        List<StudentRow> rows = lesson.rows();
        BatchPlan.Window window = RunParts.wholeSet(rows.size(), batch);
        return new HeldOut(
                set.name(),
                rows.size(),
                new Step(
                        RowAt.of(window, rows),
                        window.microBatches().size(),
                        1,
                        lesson.metrics(),
                        0));
    }

    @Override
    public List<CheckpointPart> checkpointParts() {
        return List.of(position);
    }
}
