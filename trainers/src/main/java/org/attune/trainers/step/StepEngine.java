package org.attune.trainers.step;

import org.attune.error.StopRequest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Scorer;
import org.attune.tensor.TensorScope;
import org.attune.trainers.layout.RowForest;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.StepReport;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/// Computes the loss and the gradients of a step, and the numbers of an evaluation. It is the only
/// place that knows both an objective and devices, ranks, clocks and the wish to stop. How rows are
/// grouped for computing changes nothing but rounding.
///
/// @param method names the scopes
/// @param policy that learns; borrowed
/// @param groups cuts rows into what is computed at once
/// @param devices among which rows are dealt; borrowed
/// @param clock counts as `data` what is laid out
public record StepEngine(
        String method,
        CausalPolicy policy,
        RowGroups groups,
        LogicalDevices devices,
        PhaseClock clock) {

    /// Computes the steps of another model of the run.
    public StepEngine of(String name, CausalPolicy model) {
        return new StepEngine(name, model, groups, devices, clock);
    }

    /// What passes add gradients to.
    ///
    /// @param spaces with these gradients
    /// @param startAt told the number of a device's first group, for draws
    public record Trained(List<ParameterSpace> spaces, IntConsumer startAt) {
        public Trained {
            spaces = List.copyOf(spaces);
        }
    }

    /// The policy alone.
    public Trained trained() {
        return new Trained(List.of(policy.parameters()), policy::startAt);
    }

    /// Adds the gradients of a step's loss to the policy's, which are zero before.
    ///
    /// @throws org.attune.error.StoppedException if the run is stopped on the way
    /// @throws org.attune.error.TrainingDivergedException if a row's loss isn't finite
    public <R, F extends RowForest> StepReport learn(StepRows<R, F> step) {
        StepObjective<R, F> objective = step.objective();
        StepSums<R, F> sums = objective.open(step.rows(), step.microBatches());
        StepSums<R, F> scratch =
                devices.areMixed() ? objective.open(step.rows(), step.microBatches()) : sums;
        var balance =
                new RouterBalance<>(
                        policy.routerLoss(), objective, step.rows(), step.microBatches());
        var pass = new Pass<>(objective, step.rows(), balance);
        long[] tokens = learn(pass, sums, scratch, trained()).tokens();
        StepReport report = balance.added(sums.step());
        List<Map<String, Double>> metrics = new ArrayList<>(step.metrics());
        metrics.addAll(report.microBatches());
        return devices.told(report.withMicroBatches(metrics), tokens);
    }

    /// How large a pass over rows was.
    ///
    /// @param tokens of each logical device
    /// @param groups how many were computed
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record PassSize(long[] tokens, int groups) {}

    /// Adds the gradients of some rows' loss, for methods whose step has several passes.
    ///
    /// @param sums of the rows
    /// @param scratch as `sums` are before the first group; used where groups are computed in
    ///     another order, or by other processes
    /// @param trained whose gradients are 0 before, and hold the sum afterwards
    /// @throws org.attune.error.StoppedException if the run is stopped on the way
    public <R, F extends RowForest> PassSize learn(
            StepObjective<R, F> objective,
            List<RowAt<R>> rows,
            StepSums<R, F> sums,
            StepSums<R, F> scratch,
            Trained trained) {
        return learn(
                new Pass<>(objective, rows, new RouterBalance<>(0, objective, rows, 0)),
                sums,
                scratch,
                trained);
    }

    private <R, F extends RowForest> PassSize learn(
            Pass<R, F> pass, StepSums<R, F> sums, StepSums<R, F> scratch, Trained trained) {
        StepObjective<R, F> objective = pass.objective;
        DeviceGroups<RowAt<R>> cut = groups.dealt(devices, pass.rows, objective);
        pass.noteRouters(cut);
        pass.noteBeside(
                policy::measureInTraining,
                sums == scratch ? List.of(sums) : List.of(sums, scratch));
        pass.note(
                cut.where(group -> !pass.isWhole(sums, group)),
                policy::measureInTraining,
                (group, said) -> pass.note(group, said, sums));
        sums.measureMore(policy);
        StepSums<R, F> into = devices.areMixed() ? scratch : sums;
        List<List<GroupNumbers>> own = cut.groups().stream().map(_ -> numbers()).toList();
        devices.addUp(
                trained.spaces(),
                device -> cut.groups().get(device).size(),
                (device, number) -> {
                    if (!devices.areShared()) {
                        StopRequest.check();
                    }
                    if (devices.count() > 1) {
                        trained.startAt().accept(cut.numberOfFirst(device) + number);
                    }
                    List<RowAt<R>> group = cut.groups().get(device).get(number);
                    own.get(device).add(pass.learn(group, pass.isWhole(sums, group) ? into : sums));
                });
        if (devices.areMixed()) {
            cut.gatherLearned(own, (group, said) -> pass.count(group, said, sums));
        }
        return new PassSize(cut.tokens(row -> objective.tokens(row.row())), cut.all().size());
    }

    private static List<GroupNumbers> numbers() {
        return new ArrayList<>();
    }

    /// Measures the rows of an evaluation, without gradients.
    ///
    /// @param sums takes what is measured
    /// @return adds what isn't the objective's to its metrics: the loss that balances experts
    public <R, F extends RowForest> UnaryOperator<Map<String, Double>> measure(
            StepObjective<R, F> objective, List<RowAt<R>> rows, StepSums<R, F> sums) {
        int batches = rows.stream().mapToInt(RowAt::microBatch).max().orElse(-1) + 1;
        var balance = new RouterBalance<>(policy.routerLoss(), objective, rows, batches);
        var pass = new Pass<>(objective, rows, balance);
        pass.noteBeside(policy, List.of(sums));
        pass.note(
                groups.inTurn(devices, rows, row -> objective.sequences(row.row())),
                policy,
                (group, said) -> {
                    balance.add(group, said.policy());
                    pass.note(group, said, sums);
                });
        sums.measureMore(policy);
        return balance::added;
    }

    /// A walk over rows.
    private final class Pass<R, F extends RowForest> {
        private final StepObjective<R, F> objective;
        private final List<RowAt<R>> rows;
        private final RouterBalance<R> balance;
        private final LastLayout<RowAt<R>, F> layouts;

        Pass(StepObjective<R, F> objective, List<RowAt<R>> rows, RouterBalance<R> balance) {
            this.objective = objective;
            this.rows = rows;
            this.balance = balance;
            layouts =
                    new LastLayout<>(
                            group ->
                                    clock.timed(
                                            "data",
                                            () ->
                                                    objective.layout(
                                                            RowAt.rows(group), groups.shares())));
        }

        /// Whether a group is learned from in the pass that measures it.
        boolean isWhole(StepSums<R, F> sums, List<RowAt<R>> group) {
            return sums.isWhole(group) && (devices.count() == 1 || !objective.followsOrder());
        }

        GroupNumbers learn(List<RowAt<R>> group, StepSums<R, F> into) {
            F forest = layouts.of(group);
            try (var _ = scope("step");
                    GroupQuestion question = objective.ask(group, forest);
                    Evaluation e = policy.evaluate(forest.forest(), question.request())) {
                Measurement said = e.measurement();
                var numbers = new GroupNumbers(said, question.reference(said));
                HeadSlopes slopes;
                if (isWhole(into, group)) {
                    slopes = into.add(group, forest, said, numbers.reference());
                } else {
                    slopes = into.slopes(group, forest, said);
                    if (!devices.areMixed()) {
                        into.learned(group, forest, said);
                    }
                }
                if (balance.isOn()) {
                    e.balance(balance.slopes(group, said));
                }
                if (!devices.areMixed()) {
                    balance.add(group, said);
                }
                e.backward(slopes.targets(), slopes.statistics()); // (M) each
                return numbers;
            }
        }

        /// Adds what another process, or this one in another order, learned from a group.
        void count(List<RowAt<R>> group, GroupNumbers said, StepSums<R, F> sums) {
            F forest = layouts.of(group);
            balance.add(group, said.policy());
            if (isWhole(sums, group)) {
                sums.add(group, forest, said.policy(), said.reference());
            } else {
                sums.learned(group, forest, said.policy());
            }
        }

        /// Notes what routers choose in groups that share micro-batches with others.
        void noteRouters(DeviceGroups<RowAt<R>> cut) {
            if (balance.isOn()) {
                cut.where(group -> !balance.isWhole(group))
                        .measure(
                                "experts chosen",
                                group -> measureRouters(layouts.of(group)),
                                (group, said) -> balance.note(group, said.policy()));
            }
        }

        private GroupNumbers measureRouters(F forest) {
            StopRequest.check();
            try (var _ = scope("measure")) {
                return GroupNumbers.of(policy.measureInTraining(forest.forest(), HeadRequest.of()));
            }
        }

        /// Measures groups, and tells what was said of all of them.
        void note(
                DeviceGroups<RowAt<R>> cut,
                Scorer asked,
                BiConsumer<List<RowAt<R>>, GroupNumbers> tell) {
            cut.measure(
                    "measured rows",
                    group -> {
                        F forest = layouts.of(group);
                        return measure(asked, forest, () -> objective.ask(group, forest));
                    },
                    tell);
        }

        void note(List<RowAt<R>> group, GroupNumbers said, StepSums<R, F> sums) {
            sums.note(group, layouts.of(group), said.policy(), said.reference());
        }

        /// Measures what stands beside the rows, in separate groups.
        void noteBeside(Scorer asked, List<StepSums<R, F>> all) {
            if (objective.beside().isEmpty()) {
                return;
            }
            var other = objective.beside().get();
            List<RowAt<R>> beside =
                    rows.stream().map(row -> row.with(other.apply(row.row()))).toList();
            groups.dealt(devices, beside, objective)
                    .measure(
                            "rows beside",
                            group -> {
                                F forest = layouts.of(group);
                                return measure(
                                        asked, forest, () -> objective.askBeside(group, forest));
                            },
                            (group, said) -> {
                                F forest = layouts.of(group);
                                all.forEach(
                                        sums ->
                                                sums.noteBeside(
                                                        group,
                                                        forest,
                                                        said.policy(),
                                                        said.reference()));
                            });
        }

        private GroupNumbers measure(Scorer asked, F forest, Supplier<GroupQuestion> question) {
            StopRequest.check();
            try (var _ = scope("measure");
                    GroupQuestion open = question.get()) {
                Measurement said = asked.measure(forest.forest(), open.request());
                return new GroupNumbers(said, open.reference(said));
            }
        }
    }

    private TensorScope scope(String part) {
        return TensorScope.open(method + "." + part);
    }
}
