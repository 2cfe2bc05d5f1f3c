package org.attune.trainers.preference;

import org.attune.datasets.examples.PreferenceExample;
import org.attune.datasets.layout.PreferenceForest;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
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
import org.attune.trainers.loop.StartingPoint;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.loop.TrainingLoop;
import org.attune.trainers.rows.Reference;
import org.attune.trainers.rows.ReferenceCache;
import org.attune.trainers.rows.RowAt;
import org.attune.trainers.rows.RowGroups;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Direct preference optimisation and its relatives. Read [#train], then [#step], then
/// [org.attune.trainers.preference.PreferenceLoss].
///
/// One instance is one run. The caller owns and closes policy and reference.
public final class DpoTrainer {
    private final DpoConfig config;
    private final CausalPolicy policy;
    private final Scorer referenceScorer;
    private final List<PreferenceExample> pairs;
    private final List<EvalSet<PreferenceExample>> evalSets;
    private final RunContext context;
    private final PreferenceObjective objective;
    private final HeadRequest request;
    private final RowGroups groups;
    private final PairReference layout;
    private StartingPoint start;
    private Reference<PreferenceExample, PreferenceForest, ReferenceLogProbs> reference;
    private final List<Reference<PreferenceExample, PreferenceForest, ReferenceLogProbs>>
            evalReferences = new ArrayList<>();

    /// @param config checked here
    /// @param policy with the values to start from
    /// @param reference scores as the frozen reference: the policy with its adapter off, a frozen
    ///     copy of the start adapter, or another model. It must not change with the policy
    /// @param pairs training pairs, prepared
    /// @param evalSets may be empty
    /// @throws ConfigException with all problems of the configuration
    public DpoTrainer(
            DpoConfig config,
            CausalPolicy policy,
            Scorer reference,
            List<PreferenceExample> pairs,
            List<EvalSet<PreferenceExample>> evalSets,
            RunContext context) {
        this.config = ConfigCheck.validate(config);
        this.policy = new TimedPolicy(policy, context.clock());
        referenceScorer = TimedPolicy.reference(reference, context.clock());
        this.pairs = List.copyOf(pairs);
        this.evalSets = List.copyOf(evalSets);
        this.context = context;
        objective = DpoObjectives.of(config);
        layout = new PairReference(objective);
        request = DpoObjectives.request(config);
        groups = RowGroups.of(RunParts.budget(config.training().batch()), context);
    }

    /// Trains to the last step, or until the context's stop signal.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    var parts = new RunParts("dpo", config.training(), policy, context);
                    int[] lengths = pairs.stream().mapToInt(PreferenceExample::length).toArray();
                    BatchPlan plan = parts.plan(lengths);
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    return parts.stoppable(
                            () -> {
                                start = parts.startingPoint(referenceScorer, plan);
                                prepareReferences();
                                return parts.run(
                                        plan,
                                        parts.identity(config, Fingerprints.ofPairs(pairs)),
                                        new DpoWork(plan));
                            });
                });
    }

    /// Adds the gradient of one step's loss. The derivative of a pair is known once both of its
    /// log-probabilities are; where a loss couples the pairs of a micro-batch, all are scored
    /// first.
    Optional<StepReport> step(BatchPlan.Window window) {
        policy.startStep(window.step());
        List<RowAt<PreferenceExample>> placed = RowAt.of(window, pairs);
        var ledger = ledger(placed, window);
        List<List<RowAt<PreferenceExample>>> groups = groups(placed);
        boolean coupled = objective.couplesPairs();
        boolean same = start.isTrainedAt(window.step());
        if (coupled) {
            groups.forEach(group -> measure(group, ledger, reference, same));
            ledger.evaluateTogether(placed);
        }
        for (List<RowAt<PreferenceExample>> group : groups) {
            if (context.stop().requested()) {
                return Optional.empty();
            }
            PreferenceForest forest = context.clock().timed("data", () -> forest(group));
            try (var _ = TensorScope.open("dpo.step")) {
                List<ReferenceLogProbs> references =
                        coupled || same ? List.of() : reference.logProbs(group, forest);
                try (Evaluation e = policy.evaluate(forest.forest(), request)) {
                    if (!coupled) {
                        Measurement measured = e.measurement();
                        ledger.add(
                                group, forest, measured, same ? own(forest, measured) : references);
                    }
                    e.backward(ledger.slopes(group, forest, coupled)); // (M)
                }
            }
        }
        start.made(window.step());
        return Optional.of(ledger.step());
    }

    /// What the policy says, as the reference says it.
    private List<ReferenceLogProbs> own(PreferenceForest forest, Measurement measured) {
        return layout.read(forest, measured.tokenLogProbs());
    }

    private List<HeldOutMeans> evaluate() {
        int batch = config.training().batch().perDeviceEvalBatchSize();
        List<HeldOutMeans> reports = new ArrayList<>();
        for (int i = 0; i < evalSets.size(); i++) {
            EvalSet<PreferenceExample> set = evalSets.get(i);
            BatchPlan.Window window = RunParts.wholeSet(set.rows().size(), batch);
            List<RowAt<PreferenceExample>> placed = RowAt.of(window, set.rows());
            var ledger = ledger(placed, window);
            for (List<RowAt<PreferenceExample>> group : groups(placed)) {
                StopRequest.check();
                measure(group, ledger, evalReferences.get(i), start.isMeasured());
            }
            ledger.evaluateTogether(placed);
            reports.add(new HeldOutMeans(set.name(), set.rows().size(), ledger.evaluation()));
        }
        return reports;
    }

    private void measure(
            List<RowAt<PreferenceExample>> group,
            PairLedger ledger,
            Reference<PreferenceExample, PreferenceForest, ReferenceLogProbs> source,
            boolean same) {
        StopRequest.check();
        PreferenceForest forest = forest(group);
        try (var _ = TensorScope.open("dpo.measure")) {
            Measurement measured = policy.measure(forest.forest(), request);
            ledger.add(
                    group,
                    forest,
                    measured,
                    same ? own(forest, measured) : source.logProbs(group, forest));
        }
    }

    private PairLedger ledger(List<RowAt<PreferenceExample>> placed, BatchPlan.Window window) {
        return new PairLedger(
                objective,
                config.loss().beta(),
                config.variant().useWeighting(),
                placed,
                window.microBatches().size());
    }

    private PreferenceForest forest(List<RowAt<PreferenceExample>> group) {
        return PreferenceForest.of(RowAt.rows(group), groups.shares());
    }

    private List<List<RowAt<PreferenceExample>>> groups(List<RowAt<PreferenceExample>> placed) {
        return groups.of(placed, p -> p.row().sequences());
    }

    private void prepareReferences() {
        reference = reference(pairs);
        evalSets.forEach(set -> evalReferences.add(reference(set.rows())));
    }

    private Reference<PreferenceExample, PreferenceForest, ReferenceLogProbs> reference(
            List<PreferenceExample> rows) {
        Reference<PreferenceExample, PreferenceForest, ReferenceLogProbs> live =
                new Reference.Live<>(referenceScorer, layout);
        if (!config.precomputesReference()) {
            return live;
        }
        try (var _ = context.clock().enter("reference")) {
            String name =
                    "%s/%s/%s"
                            .formatted(
                                    config.referenceKind(),
                                    context.modelFingerprint(),
                                    objective.lengthAlpha());
            var cache = new ReferenceCache(config.training().save().outputDir(), name);
            return new Reference.Precomputed<>(
                    PairReference.rows(
                            cache.get(
                                    Fingerprints.ofPairs(rows),
                                    PairReference.COLUMNS,
                                    groups(RowAt.of(whole(rows), rows)),
                                    group -> score(live, group))));
        }
    }

    private static BatchPlan.Window whole(List<PreferenceExample> rows) {
        return RunParts.wholeSet(rows.size(), rows.size());
    }

    private List<double[]> score(
            Reference<PreferenceExample, PreferenceForest, ReferenceLogProbs> live,
            List<RowAt<PreferenceExample>> group) {
        try (var _ = TensorScope.open("dpo.reference")) {
            return live.logProbs(group, forest(group)).stream().map(PairReference::cells).toList();
        }
    }

    private final class DpoWork implements TrainingLoop.Work {
        private final BatchPlan plan;

        DpoWork(BatchPlan plan) {
            this.plan = plan;
        }

        @Override
        public Optional<StepReport> step(int step) {
            return DpoTrainer.this.step(plan.window(step));
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            return DpoTrainer.this.evaluate();
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

        @Override
        public void restore(Path folder) {
            start.resumed();
        }
    }
}
