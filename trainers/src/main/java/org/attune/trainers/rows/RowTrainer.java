package org.attune.trainers.rows;

import org.attune.datasets.examples.StoredRows;
import org.attune.datasets.examples.TrainingRow;
import org.attune.datasets.layout.RowForest;
import org.attune.error.StopRequest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.ReferenceSync;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.loop.TrainingLoop;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/// Trains on rows that are there from the start, by any objective. Read [#train], then [#step],
/// then the method's [RowObjective].
///
/// One instance is one run. The caller owns and closes policy and reference.
///
/// @param <R> kind of row
/// @param <F> how rows are laid out
public final class RowTrainer<R extends TrainingRow, F extends RowForest> {
    private final Record whole;
    private final RunConfig config;
    private final RowObjective<R, F> objective;
    private final CausalPolicy policy;
    private final Optional<FrozenModel> frozen;
    private final List<R> rows;
    private final List<EvalSet<R>> evalSets;
    private final RunContext context;
    private final RunParts parts;
    private final RowGroups groups;
    private References<R, F> references;
    private LogicalDevices devices;
    private final LastLayout<RowAt<R>, F> layouts;

    /// @param config checked
    /// @param policy with the values to start from
    /// @param frozen given where the objective has a reference
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    public <C extends Record & RunConfig> RowTrainer(
            C config,
            RowObjective<R, F> objective,
            CausalPolicy policy,
            Optional<FrozenModel> frozen,
            List<R> rows,
            List<EvalSet<R>> evalSets,
            RunContext context) {
        if (objective.reference().isPresent() != frozen.isPresent()) {
            throw new IllegalArgumentException(
                    "%s %s a reference, but %s given"
                            .formatted(
                                    objective.method(),
                                    objective.reference().isPresent() ? "needs" : "has no use for",
                                    frozen.isPresent() ? "one was" : "none was"));
        }
        this.whole = config;
        this.config = config;
        this.objective = objective;
        this.policy = new TimedPolicy(policy, context.clock());
        this.frozen = frozen;
        this.rows = StoredRows.unchanged(rows);
        this.evalSets = List.copyOf(evalSets);
        this.context = context;
        parts = new RunParts(objective.method(), config.training(), this.policy, context);
        groups = RowGroups.of(config.training(), context);
        layouts = new LastLayout<>(group -> objective.layout(RowAt.rows(group), groups.shares()));
    }

    /// Trains to the last step, or until the context's stop signal.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    BatchPlan plan = parts.plan(StoredRows.lengths(rows));
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    objective.advise(rows, plan);
                    return parts.stoppable(
                            () -> {
                                try (var all = parts.devices()) {
                                    devices = all;
                                    references =
                                            new ReferenceOpening<>(
                                                            config.training(),
                                                            objective,
                                                            frozen,
                                                            groups,
                                                            context)
                                                    .open(parts, plan, rows, evalSets);
                                    var identity =
                                            parts.identity(whole, objective.fingerprint(rows));
                                    return parts.run(plan, identity, new RowWork(plan));
                                }
                            });
                });
    }

    /// Adds the gradient of one step's loss. Groups whose loss depends on rows of others are
    /// measured before any gradient is taken.
    private Optional<StepReport> step(BatchPlan.Window window) {
        policy.startStep(window.step());
        List<RowAt<R>> placed = RowAt.of(window, rows);
        StepSums<R, F> sums = objective.training(placed, window.microBatches().size());
        StepSums<R, F> scratch =
                devices.areMixed()
                        ? objective.training(placed, window.microBatches().size())
                        : sums;
        DeviceGroups<RowAt<R>> cut = groups.dealt(devices, placed, p -> p.row().sequences());
        References.Both<R, F> both = references.atStep(window.step());
        Reference<R, F> reference = both.rows();
        noteBeside(
                placed,
                policy::measureInTraining,
                both.beside(),
                devices.areMixed() ? List.of(sums, scratch) : List.of(sums));
        note(
                cut.where(group -> !isWhole(sums, group)),
                this::timedLayout,
                policy::measureInTraining,
                sums,
                reference);
        sums.measureMore(policy);
        boolean done =
                cut.learn(
                        policy,
                        sums,
                        scratch,
                        context.stop()::requested,
                        (group, into) ->
                                learn(group, isWhole(sums, group) ? into : sums, reference),
                        (group, said) -> {
                            if (isWhole(sums, group)) {
                                sums.add(group, laid(group), said.policy(), said.reference());
                            }
                        });
        if (!done) {
            return Optional.empty();
        }
        references.made(window.step());
        return Optional.of(devices.told(sums.step(), cut.tokens(p -> p.row().length())));
    }

    /// Whether a group is learned from in the pass that measures it.
    private boolean isWhole(StepSums<R, F> sums, List<RowAt<R>> group) {
        return sums.isWhole(group) && (devices.count() == 1 || !objective.followsOrder());
    }

    private GroupNumbers learn(
            List<RowAt<R>> group, StepSums<R, F> sums, Reference<R, F> reference) {
        F forest = timedLayout(group);
        try (var _ = scope("step")) {
            return isWhole(sums, group)
                    ? learnWhole(group, forest, sums, reference)
                    : learnNoted(group, forest, sums);
        }
    }

    private GroupNumbers learnWhole(
            List<RowAt<R>> group, F forest, StepSums<R, F> sums, Reference<R, F> reference) {
        Optional<List<double[]>> asked = reference.ask(group, forest);
        try (Evaluation e = policy.evaluate(forest.forest(), objective.request())) {
            var said = new GroupNumbers(e.measurement(), answers(asked, forest, e.measurement()));
            e.backward(sums.add(group, forest, said.policy(), said.reference())); // (M)
            return said;
        }
    }

    private GroupNumbers learnNoted(List<RowAt<R>> group, F forest, StepSums<R, F> sums) {
        try (Evaluation e = policy.evaluate(forest.forest(), objective.request())) {
            e.backward(sums.slopes(group, forest)); // (M)
        }
        return GroupNumbers.NONE;
    }

    /// Measures groups, and notes what was said of all of them.
    private void note(
            DeviceGroups<RowAt<R>> cut,
            Function<List<RowAt<R>>, F> layout,
            Scorer asked,
            StepSums<R, F> sums,
            Reference<R, F> reference) {
        cut.measure(
                "measured rows",
                group -> {
                    StopRequest.check();
                    F forest = layout.apply(group);
                    try (var _ = scope("measure")) {
                        Measurement said = asked.measure(forest.forest(), objective.request());
                        return new GroupNumbers(
                                said, answers(reference.ask(group, forest), forest, said));
                    }
                },
                (group, said) -> sums.note(group, laid(group), said.policy(), said.reference()));
    }

    /// Measures what stands beside the rows, in separate groups.
    private void noteBeside(
            List<RowAt<R>> placed,
            Scorer asked,
            Reference<R, F> reference,
            List<StepSums<R, F>> sums) {
        if (objective.beside().isEmpty()) {
            return;
        }
        groups.dealt(devices, beside(placed), p -> p.row().sequences())
                .measure(
                        "rows beside",
                        group -> {
                            StopRequest.check();
                            F forest = timedLayout(group);
                            try (var _ = scope("beside")) {
                                Measurement said = asked.measure(forest.forest(), HeadRequest.of());
                                return new GroupNumbers(
                                        said, answers(reference.ask(group, forest), forest, said));
                            }
                        },
                        (group, said) ->
                                sums.forEach(
                                        s ->
                                                s.noteBeside(
                                                        group,
                                                        laid(group),
                                                        said.policy(),
                                                        said.reference())));
    }

    private List<RowAt<R>> beside(List<RowAt<R>> placed) {
        UnaryOperator<R> beside = objective.beside().orElseThrow();
        return placed.stream().map(p -> p.with(beside.apply(p.row()))).toList();
    }

    /// The reference's numbers; the policy's where it still is its reference.
    private List<double[]> answers(
            Optional<List<double[]>> asked, F forest, Measurement policySaid) {
        return asked.orElseGet(
                () -> objective.reference().orElseThrow().read(forest, policySaid.tokenLogProbs()));
    }

    private List<HeldOutMeans> evaluate() {
        int batch = config.training().batch().perDeviceEvalBatchSize();
        List<HeldOutMeans> reports = new ArrayList<>();
        for (int i = 0; i < evalSets.size(); i++) {
            EvalSet<R> set = evalSets.get(i);
            BatchPlan.Window window = RunParts.wholeSet(set.rows().size(), batch);
            List<RowAt<R>> placed = RowAt.of(window, set.rows());
            StepSums<R, F> sums = objective.evaluation(placed, window.microBatches().size());
            References.Both<R, F> both = references.heldOut(i);
            noteBeside(placed, policy, both.beside(), List.of(sums));
            note(
                    groups.inTurn(devices, placed, p -> p.row().sequences()),
                    this::laid,
                    policy,
                    sums,
                    both.rows());
            sums.measureMore(policy);
            reports.add(new HeldOutMeans(set.name(), set.rows().size(), sums.evaluation()));
            tell(set, sums.evaluatedRows());
        }
        return reports;
    }

    private void tell(EvalSet<R> set, List<Map<String, Double>> values) {
        List<MeasuredRow> measured = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            String where = String.join(", ", set.rows().get(i).origins());
            measured.add(new MeasuredRow(where, values.get(i)));
        }
        if (!measured.isEmpty()) {
            context.listeners().forEach(l -> l.onHeldOutRows(set.name(), measured));
        }
    }

    private F laid(List<RowAt<R>> group) {
        return layouts.of(group);
    }

    private F timedLayout(List<RowAt<R>> group) {
        return context.clock().timed("data", () -> laid(group));
    }

    private TensorScope scope(String part) {
        return TensorScope.open(objective.method() + "." + part);
    }

    private final class RowWork implements TrainingLoop.Work {
        private final BatchPlan plan;
        private final Optional<ReferenceSync> sync = frozen.flatMap(FrozenModel::sync);

        RowWork(BatchPlan plan) {
            this.plan = plan;
        }

        @Override
        public Optional<StepReport> step(int step) {
            return RowTrainer.this.step(plan.window(step));
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            return RowTrainer.this.evaluate();
        }

        @Override
        public List<String> origins(int step) {
            return RowAt.of(plan.window(step), rows).stream()
                    .flatMap(p -> p.row().origins().stream())
                    .toList();
        }

        @Override
        public String heldoutMetric() {
            return objective.heldoutMetric();
        }

        @Override
        public void updated(int step) {
            sync.ifPresent(s -> s.updated(step));
        }

        @Override
        public void save(Path folder) throws IOException {
            objective.save(folder);
            if (sync.isPresent()) {
                sync.get().save(folder);
            }
        }

        @Override
        public void restore(Path folder) {
            objective.restore(folder);
            sync.ifPresent(s -> s.restore(folder));
            references.resumed();
        }
    }
}
