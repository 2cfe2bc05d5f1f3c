package org.attune.trainers.scoring;

import org.attune.datasets.examples.StepwiseExample;
import org.attune.datasets.layout.StepwiseForest;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
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

/// Trains a process reward model: whether each step of a solution is right. Read [#train], then
/// [#step], then [StepLoss].
///
/// One instance is one run. The caller owns and closes the model.
public final class PrmTrainer {
    private static final HeadRequest SCORES = HeadRequest.of();

    private final PrmConfig config;
    private final CausalPolicy model;
    private final List<StepwiseExample> rows;
    private final List<EvalSet<StepwiseExample>> evalSets;
    private final RunContext context;
    private final RowGroups groups;

    /// @param config checked here
    /// @param model a token-classification model of two labels, wrong and right, with the values to
    ///     start from, which gives scores where a causal language model gives log-probabilities
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    /// @throws ConfigException with all problems of the configuration
    public PrmTrainer(
            PrmConfig config,
            CausalPolicy model,
            List<StepwiseExample> rows,
            List<EvalSet<StepwiseExample>> evalSets,
            RunContext context) {
        this.config = ConfigCheck.validate(config);
        this.model = new TimedPolicy(model, context.clock());
        this.rows = List.copyOf(rows);
        this.evalSets = List.copyOf(evalSets);
        this.context = context;
        groups = RowGroups.of(RunParts.budget(config.training().batch()), context);
    }

    /// Trains to the last step, or until the context's stop signal.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    var parts = new RunParts("prm", config.training(), model, context);
                    int[] lengths = rows.stream().mapToInt(StepwiseExample::length).toArray();
                    BatchPlan plan = parts.plan(lengths);
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    var identity = parts.identity(config, Fingerprints.ofStepwise(rows));
                    return parts.run(plan, identity, new PrmWork(plan));
                });
    }

    /// Adds the gradient of one step's loss.
    Optional<StepReport> step(BatchPlan.Window window) {
        model.startStep(window.step());
        List<RowAt<StepwiseExample>> placed = RowAt.of(window, rows);
        var ledger = new StepLedger(placed, window.microBatches().size());
        for (List<RowAt<StepwiseExample>> group : groups(placed)) {
            if (context.stop().requested()) {
                return Optional.empty();
            }
            StepwiseForest forest = context.clock().timed("data", () -> forest(group));
            try (var _ = TensorScope.open("prm.step");
                    Evaluation e = model.evaluate(forest.forest(), SCORES)) {
                e.backward(ledger.add(group, e.measurement().tokenLogProbs())); // (2 steps)
            }
        }
        return Optional.of(ledger.step());
    }

    private List<HeldOutMeans> evaluate() {
        int batch = config.training().batch().perDeviceEvalBatchSize();
        List<HeldOutMeans> reports = new ArrayList<>();
        for (EvalSet<StepwiseExample> set : evalSets) {
            BatchPlan.Window window = RunParts.wholeSet(set.rows().size(), batch);
            List<RowAt<StepwiseExample>> placed = RowAt.of(window, set.rows());
            var ledger = new StepLedger(placed, window.microBatches().size());
            for (List<RowAt<StepwiseExample>> group : groups(placed)) {
                StopRequest.check();
                try (var _ = TensorScope.open("prm.evaluate")) {
                    ledger.add(
                            group, model.measure(forest(group).forest(), SCORES).tokenLogProbs());
                }
            }
            reports.add(new HeldOutMeans(set.name(), set.rows().size(), ledger.evaluation()));
        }
        return reports;
    }

    private StepwiseForest forest(List<RowAt<StepwiseExample>> group) {
        return StepwiseForest.of(RowAt.rows(group), groups.shares());
    }

    private List<List<RowAt<StepwiseExample>>> groups(List<RowAt<StepwiseExample>> placed) {
        return groups.of(placed, p -> List.of(p.row().ids()));
    }

    private final class PrmWork implements TrainingLoop.Work {
        private final BatchPlan plan;

        PrmWork(BatchPlan plan) {
            this.plan = plan;
        }

        @Override
        public Optional<StepReport> step(int step) {
            return PrmTrainer.this.step(plan.window(step));
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            return PrmTrainer.this.evaluate();
        }

        @Override
        public List<String> origins(int step) {
            return RowAt.of(plan.window(step), rows).stream()
                    .map(p -> p.row().origin().where())
                    .toList();
        }

        @Override
        public String heldoutMetric() {
            return MetricKeys.ACCURACY;
        }
    }
}
