package org.attune.trainers.rows;

import org.attune.policy.CausalPolicy;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.batch.MixedRows;
import org.attune.trainers.batch.RowOrder;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.layout.RowForest;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.RowSupply;
import org.attune.trainers.step.StepEngine;
import org.attune.trainers.step.StepObjective;
import org.attune.trainers.step.StepRows;
import org.attune.trainers.step.StepSums;
import org.attune.trainers.step.Trainer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Rows that are there from the start, for any [RowObjective].
///
/// @param <R> kind of row
/// @param <F> how rows are laid out
public final class GivenRows<R extends TrainingRow, F extends RowForest>
        implements RowSupply<R, F> {
    private final RunConfig config;
    private final RowObjective<R, F> objective;
    private final Optional<FrozenModel> frozen;
    private final List<R> rows;
    private final int[] lengths;
    private final List<EvalSet<R>> evalSets;
    private final RunContext context;
    private StepEngine engine;
    private BatchPlan plan;
    private References<R, F> references;

    private GivenRows(
            RunConfig config,
            RowObjective<R, F> objective,
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
        this.config = config;
        this.objective = objective;
        this.frozen = frozen;
        this.rows = MixedRows.unchanged(rows);
        lengths = MixedRows.lengths(this.rows);
        this.evalSets = List.copyOf(evalSets);
        this.context = context;
    }

    /// A run on given rows.
    ///
    /// @param config checked
    /// @param policy with the values to start from. The caller closes it
    /// @param frozen given where the objective has a reference. The caller closes it
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    public static <R extends TrainingRow, F extends RowForest> Trainer<R, F> trainer(
            RunConfig config,
            RowObjective<R, F> objective,
            CausalPolicy policy,
            Optional<FrozenModel> frozen,
            List<R> rows,
            List<EvalSet<R>> evalSets,
            RunContext context) {
        var given = new GivenRows<>(config, objective, frozen, rows, evalSets, context);
        return new Trainer<>(
                objective.method(), config, Trainer.Means.of(config, policy, context), given);
    }

    @Override
    public RowTokens lengths() {
        return RowTokens.of(lengths, config.training().batch().rowsOfStep());
    }

    @Override
    public void open(RunParts parts, StepEngine stepEngine) {
        engine = stepEngine;
        plan = parts.plan(rows, lengths);
        List<R> known = RowStream.known(rows);
        objective.advise(known, known.size() == rows.size() ? plan : planOf(known.size()));
        references =
                new ReferenceOpening<>(
                                config.training(), objective, frozen, engine.groups(), context)
                        .open(parts, plan, rows, evalSets);
    }

    /// The plan of the rows that are known of a stream.
    private BatchPlan planOf(int known) {
        return new BatchPlan(
                known,
                plan.microBatchRows(),
                plan.accumulation(),
                false,
                new RowOrder.Sequential());
    }

    @Override
    public int steps() {
        return plan.steps(config.training().schedule().numTrainEpochs());
    }

    @Override
    public int stepsPerEpoch() {
        return plan.stepsPerEpoch();
    }

    @Override
    public String fingerprint() {
        return Fingerprints.of(rows, objective::fingerprint);
    }

    @Override
    public StepRows<R, F> step(int step) {
        BatchPlan.Window window = plan.window(step);
        List<RowAt<R>> placed = RowAt.of(window, rows);
        return new StepRows<>(
                ReferencedObjective.training(objective, references.atStep(step)),
                placed,
                window.microBatches().size(),
                List.of(),
                () -> placed.stream().flatMap(p -> p.row().origins().stream()).toList());
    }

    @Override
    public void learned(int step) {
        references.made(step);
    }

    @Override
    public List<HeldOutMeans> evaluate() {
        int batch = config.training().batch().perDeviceEvalBatchSize();
        List<HeldOutMeans> reports = new ArrayList<>();
        for (int i = 0; i < evalSets.size(); i++) {
            EvalSet<R> set = evalSets.get(i);
            BatchPlan.Window window = RunParts.wholeSet(set.rows().size(), batch);
            List<RowAt<R>> placed = RowAt.of(window, set.rows());
            StepObjective<R, F> asked =
                    ReferencedObjective.evaluation(objective, references.heldOut(i));
            StepSums<R, F> sums = asked.open(placed, window.microBatches().size());
            Map<String, Double> metrics =
                    engine.measure(asked, placed, sums).apply(sums.evaluation());
            reports.add(new HeldOutMeans(set.name(), set.rows().size(), metrics));
            report(set, sums.evaluatedRows());
        }
        return reports;
    }

    private void report(EvalSet<R> set, List<Map<String, Double>> values) {
        List<MeasuredRow> measured = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            String where = String.join(", ", set.rows().get(i).origins());
            measured.add(new MeasuredRow(where, values.get(i)));
        }
        if (!measured.isEmpty()) {
            context.listeners().forEach(l -> l.onHeldOutRows(set.name(), measured));
        }
    }

    @Override
    public String heldoutMetric() {
        return objective.heldoutMetric();
    }

    @Override
    public List<CheckpointPart> checkpointParts() {
        List<CheckpointPart> all = new ArrayList<>(List.of(new ObjectivePart()));
        frozen.flatMap(FrozenModel::sync).ifPresent(all::add);
        return all;
    }

    /// What the objective carries from step to step.
    private final class ObjectivePart implements CheckpointPart {
        @Override
        public void save(Path folder) throws IOException {
            objective.save(folder);
        }

        @Override
        public void restore(Path folder) {
            objective.restore(folder);
            references.resumed();
        }
    }
}
