package org.attune.trainers.scoring;

import org.attune.datasets.examples.PreferenceExample;
import org.attune.datasets.examples.RewardExample;
import org.attune.datasets.layout.RewardForest;
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

/// Trains a reward model on preference pairs. Read [#train], then [#step], then [RewardLoss].
///
/// One instance is one run. The caller owns and closes the model.
public final class RewardTrainer {
    private static final HeadRequest SCORES = HeadRequest.of();

    private final RewardTrainerConfig config;
    private final CausalPolicy model;
    private final List<RewardExample> pairs;
    private final List<EvalSet<RewardExample>> evalSets;
    private final RunContext context;
    private final RewardLoss objective;
    private final RowGroups groups;

    /// @param config checked here
    /// @param model a sequence-classification model with the values to start from, which gives
    ///     scores where a causal language model gives log-probabilities
    /// @param pairs training pairs, prepared
    /// @param evalSets may be empty
    /// @throws ConfigException with all problems of the configuration
    public RewardTrainer(
            RewardTrainerConfig config,
            CausalPolicy model,
            List<RewardExample> pairs,
            List<EvalSet<RewardExample>> evalSets,
            RunContext context) {
        this.config = ConfigCheck.validate(config);
        this.model = new TimedPolicy(model, context.clock());
        this.pairs = List.copyOf(pairs);
        this.evalSets = List.copyOf(evalSets);
        this.context = context;
        objective = new RewardLoss(config.loss().centerRewardsCoefficient().orElse(0));
        groups = RowGroups.of(RunParts.budget(config.training().batch()), context);
    }

    /// Trains to the last step, or until the context's stop signal.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    var parts = new RunParts("reward", config.training(), model, context);
                    int[] lengths = pairs.stream().mapToInt(RewardExample::length).toArray();
                    BatchPlan plan = parts.plan(lengths);
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    var identity = parts.identity(config, Fingerprints.ofRewardPairs(pairs));
                    return parts.run(plan, identity, new RewardWork(plan));
                });
    }

    /// Adds the gradient of one step's loss.
    Optional<StepReport> step(BatchPlan.Window window) {
        model.startStep(window.step());
        List<RowAt<RewardExample>> placed = RowAt.of(window, pairs);
        var ledger = new RewardLedger(objective, placed, window.microBatches().size());
        for (List<RowAt<RewardExample>> group : groups(placed)) {
            if (context.stop().requested()) {
                return Optional.empty();
            }
            RewardForest forest = context.clock().timed("data", () -> forest(group));
            try (var _ = TensorScope.open("reward.step");
                    Evaluation e = model.evaluate(forest.forest(), SCORES)) {
                e.backward(ledger.add(group, e.measurement().tokenLogProbs())); // (2 pairs)
            }
        }
        return Optional.of(ledger.step());
    }

    private List<HeldOutMeans> evaluate() {
        int batch = config.training().batch().perDeviceEvalBatchSize();
        List<HeldOutMeans> reports = new ArrayList<>();
        for (EvalSet<RewardExample> set : evalSets) {
            BatchPlan.Window window = RunParts.wholeSet(set.rows().size(), batch);
            List<RowAt<RewardExample>> placed = RowAt.of(window, set.rows());
            var ledger = new RewardLedger(objective, placed, window.microBatches().size());
            for (List<RowAt<RewardExample>> group : groups(placed)) {
                StopRequest.check();
                try (var _ = TensorScope.open("reward.evaluate")) {
                    ledger.add(
                            group, model.measure(forest(group).forest(), SCORES).tokenLogProbs());
                }
            }
            reports.add(new HeldOutMeans(set.name(), set.rows().size(), ledger.evaluation()));
        }
        return reports;
    }

    private RewardForest forest(List<RowAt<RewardExample>> group) {
        List<PreferenceExample> rows = group.stream().map(p -> p.row().pair()).toList();
        return RewardForest.of(rows, groups.shares());
    }

    private List<List<RowAt<RewardExample>>> groups(List<RowAt<RewardExample>> placed) {
        return groups.of(placed, p -> p.row().pair().sequences());
    }

    private final class RewardWork implements TrainingLoop.Work {
        private final BatchPlan plan;

        RewardWork(BatchPlan plan) {
            this.plan = plan;
        }

        @Override
        public Optional<StepReport> step(int step) {
            return RewardTrainer.this.step(plan.window(step));
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            return RewardTrainer.this.evaluate();
        }

        @Override
        public List<String> origins(int step) {
            return RowAt.of(plan.window(step), pairs).stream()
                    .map(p -> p.row().origin().where())
                    .toList();
        }

        @Override
        public String heldoutMetric() {
            return MetricKeys.PREFERENCE_ACCURACY;
        }
    }
}
