package org.attune.trainers.sft;

import org.attune.datasets.examples.PackedRow;
import org.attune.datasets.layout.SftForest;
import org.attune.error.StopRequest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.loop.TrainingLoop;
import org.attune.trainers.rows.RowAt;
import org.attune.trainers.rows.RowGroups;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Supervised fine-tuning. Read [#train], then [#step], then [SftLoss].
///
/// One instance is one run. The caller owns and closes the policy.
public final class SftTrainer {
    private static final HeadRequest REQUEST =
            HeadRequest.of(HeadStatistic.ENTROPY, HeadStatistic.ARGMAX_HIT);

    private final SftConfig config;
    private final CausalPolicy policy;
    private final List<PackedRow> rows;
    private final List<EvalSet<PackedRow>> evalSets;
    private final RunContext context;
    private final SftLoss loss;
    private final RowGroups groups;

    /// @param config checked here
    /// @param policy with the values to start from
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public SftTrainer(
            SftConfig config,
            CausalPolicy policy,
            List<PackedRow> rows,
            List<EvalSet<PackedRow>> evalSets,
            RunContext context) {
        this.config = ConfigCheck.validate(config);
        this.policy = new TimedPolicy(policy, context.clock());
        this.rows = List.copyOf(rows);
        this.evalSets = List.copyOf(evalSets);
        this.context = context;
        loss =
                switch (config.loss().lossType()) {
                    case NLL -> new SftLoss.Nll();
                    case DFT -> new SftLoss.Dft();
                };
        groups = RowGroups.of(RunParts.budget(config.training().batch()), context);
    }

    /// Trains to the last step, or until the context's stop signal.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    var parts = new RunParts("sft", config.training(), policy, context);
                    int[] lengths = rows.stream().mapToInt(PackedRow::length).toArray();
                    BatchPlan plan = parts.plan(lengths);
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    var identity = parts.identity(config, Fingerprints.ofRows(rows));
                    return parts.run(plan, identity, new SftWork(plan));
                });
    }

    /// Adds the gradient of one step's loss.
    Optional<StepReport> step(BatchPlan.Window window) {
        policy.startStep(window.step());
        List<RowAt<PackedRow>> placed = RowAt.of(window, rows);
        int trained = Math.max(1, placed.stream().mapToInt(p -> p.row().trainedTokens()).sum());
        var totals = new SftTotals(loss, window.microBatches().size());
        for (List<RowAt<PackedRow>> group : groups.of(placed, p -> p.row().sequences())) {
            if (context.stop().requested()) {
                return Optional.empty();
            }
            SftForest forest =
                    context.clock()
                            .timed("data", () -> SftForest.of(RowAt.rows(group), groups.shares()));
            try (var _ = TensorScope.open("sft.step");
                    Evaluation e = policy.evaluate(forest.forest(), REQUEST)) {
                e.backward(totals.add(group, forest, e.measurement(), trained)); // (M)
            }
        }
        return Optional.of(totals.step(trained));
    }

    private List<HeldOutMeans> evaluate() {
        int batch = config.training().batch().perDeviceEvalBatchSize();
        List<HeldOutMeans> reports = new ArrayList<>();
        for (EvalSet<PackedRow> set : evalSets) {
            BatchPlan.Window window = RunParts.wholeSet(set.rows().size(), batch);
            var totals = new SftTotals(loss, window.microBatches().size());
            List<RowAt<PackedRow>> placed = RowAt.of(window, set.rows());
            for (List<RowAt<PackedRow>> group : groups.of(placed, p -> p.row().sequences())) {
                StopRequest.check();
                SftForest forest = SftForest.of(RowAt.rows(group), groups.shares());
                try (var _ = TensorScope.open("sft.evaluate")) {
                    totals.add(group, forest, policy.measure(forest.forest(), REQUEST), 1);
                }
            }
            reports.add(new HeldOutMeans(set.name(), set.rows().size(), totals.evaluation()));
        }
        return reports;
    }

    private final class SftWork implements TrainingLoop.Work {
        private final BatchPlan plan;

        SftWork(BatchPlan plan) {
            this.plan = plan;
        }

        @Override
        public Optional<StepReport> step(int step) {
            return SftTrainer.this.step(plan.window(step));
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            return SftTrainer.this.evaluate();
        }

        @Override
        public List<String> origins(int step) {
            return RowAt.of(plan.window(step), rows).stream()
                    .flatMap(p -> SftTotals.origins(p.row()).stream())
                    .toList();
        }

        @Override
        public String heldoutMetric() {
            return MetricKeys.LOSS;
        }
    }
}
