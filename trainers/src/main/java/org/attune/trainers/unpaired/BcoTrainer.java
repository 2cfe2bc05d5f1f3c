package org.attune.trainers.unpaired;

import org.attune.datasets.examples.UnpairedExample;
import org.attune.datasets.layout.UnpairedForest;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.batch.TokenBudget;
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

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Binary classifier optimisation on completions that are labelled good or not. Read [#train], then
/// [#step], then [BcoObjective].
///
/// One instance is one run. The caller owns and closes policy and reference.
public final class BcoTrainer {
    private static final HeadRequest LOGITS =
            new HeadRequest(EnumSet.of(HeadStatistic.MEAN_LOGIT), 1);

    private final BcoConfig config;
    private final CausalPolicy policy;
    private final Scorer referenceScorer;
    private final List<UnpairedExample> rows;
    private final List<EvalSet<UnpairedExample>> evalSets;
    private final RunContext context;
    private final BcoObjective objective;
    private final RowGroups groups;
    private final Optional<PaddedLogits> paddedLogits;
    private StartingPoint start;
    private Reference<UnpairedExample, UnpairedForest, Double> reference;
    private final List<Reference<UnpairedExample, UnpairedForest, Double>> evalReferences =
            new ArrayList<>();
    private RunningMean delta = RunningMean.NONE;

    /// @param config checked here
    /// @param policy with the values to start from
    /// @param reference scores as the frozen reference: the policy with its adapter off, a frozen
    ///     copy of the start adapter, or another model. It must not change with the policy
    /// @param padId the tokenizer's padding token, which `trl_compat` alone needs
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    /// @throws ConfigException with all problems of the configuration, or if `trl_compat` lacks the
    ///     padding token
    public BcoTrainer(
            BcoConfig config,
            CausalPolicy policy,
            Scorer reference,
            OptionalInt padId,
            List<UnpairedExample> rows,
            List<EvalSet<UnpairedExample>> evalSets,
            RunContext context) {
        this.config = ConfigCheck.validate(config);
        this.policy = new TimedPolicy(policy, context.clock());
        referenceScorer = TimedPolicy.reference(reference, context.clock());
        this.rows = List.copyOf(rows);
        this.evalSets = List.copyOf(evalSets);
        this.context = context;
        objective =
                new BcoObjective(
                        config.loss().beta(),
                        config.loss().desirableWeight(),
                        config.loss().undesirableWeight());
        TokenBudget budget = RunParts.budget(config.training().batch());
        paddedLogits =
                config.loss().trlCompat()
                        ? Optional.of(new PaddedLogits(required(padId), budget))
                        : Optional.empty();
        groups = RowGroups.of(budget, context);
    }

    private static int required(OptionalInt padId) {
        return padId.orElseThrow(
                () ->
                        new ConfigException(
                                "trl_compat: true measures logits at padding, but the tokenizer"
                                        + " names no padding token; set trl_compat: false"));
    }

    /// Trains to the last step, or until the context's stop signal.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    var parts = new RunParts("bco", config.training(), policy, context);
                    int[] lengths = rows.stream().mapToInt(UnpairedExample::length).toArray();
                    BatchPlan plan = parts.plan(lengths);
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    LabelAdvice.give(rows, plan);
                    return parts.stoppable(
                            () -> {
                                start = parts.startingPoint(referenceScorer, plan);
                                prepareReferences();
                                return parts.run(
                                        plan,
                                        parts.identity(config, Fingerprints.ofUnpaired(rows)),
                                        new BcoWork(plan));
                            });
                });
    }

    /// Adds the gradient of one step's loss. It needs δ, which needs all rewards of a micro-batch:
    /// groups that hold a part of one are scored first.
    Optional<StepReport> step(BatchPlan.Window window) {
        policy.startStep(window.step());
        List<RowAt<UnpairedExample>> placed = RowAt.of(window, rows);
        var ledger = BcoLedger.ofStep(objective, delta, placed, window.microBatches().size());
        List<List<RowAt<UnpairedExample>>> groups = groups(placed);
        boolean same = start.isTrainedAt(window.step());
        for (List<RowAt<UnpairedExample>> group : groups) {
            if (!ledger.isWhole(group)) {
                measure(group, ledger, reference, same);
            }
        }
        // Before a backward pass, which may change weights on the way.
        paddedLogits.ifPresent(logits -> logits.measure(placed, policy, ledger));
        for (List<RowAt<UnpairedExample>> group : groups) {
            if (context.stop().requested()) {
                return Optional.empty();
            }
            UnpairedForest forest = forest(group);
            boolean measured = !ledger.isWhole(group);
            try (var _ = TensorScope.open("bco.step")) {
                List<Double> references =
                        measured || same ? List.of() : reference.logProbs(group, forest);
                try (Evaluation e = policy.evaluate(forest.forest(), request())) {
                    if (!measured) {
                        Measurement now = e.measurement();
                        ledger.add(group, forest, now, same ? own(forest, now) : references);
                    }
                    e.backward(ledger.slopes(group, forest)); // (M)
                }
            }
        }
        delta = ledger.delta();
        start.made(window.step());
        return Optional.of(ledger.step());
    }

    private List<HeldOutMeans> evaluate() {
        int batch = config.training().batch().perDeviceEvalBatchSize();
        List<HeldOutMeans> reports = new ArrayList<>();
        for (int i = 0; i < evalSets.size(); i++) {
            EvalSet<UnpairedExample> set = evalSets.get(i);
            BatchPlan.Window window = RunParts.wholeSet(set.rows().size(), batch);
            List<RowAt<UnpairedExample>> placed = RowAt.of(window, set.rows());
            int batches = window.microBatches().size();
            var ledger = BcoLedger.ofEvaluation(objective, delta, placed, batches);
            for (List<RowAt<UnpairedExample>> group : groups(placed)) {
                StopRequest.check();
                measure(group, ledger, evalReferences.get(i), start.isMeasured());
            }
            paddedLogits.ifPresent(logits -> logits.measure(placed, policy, ledger));
            reports.add(new HeldOutMeans(set.name(), set.rows().size(), ledger.evaluation()));
        }
        return reports;
    }

    /// With `trl_compat` the logits are measured apart.
    private HeadRequest request() {
        return paddedLogits.isPresent() ? HeadRequest.of() : LOGITS;
    }

    private void measure(
            List<RowAt<UnpairedExample>> group,
            BcoLedger ledger,
            Reference<UnpairedExample, UnpairedForest, Double> source,
            boolean same) {
        StopRequest.check();
        UnpairedForest forest = forest(group);
        try (var _ = TensorScope.open("bco.measure")) {
            Measurement now = policy.measure(forest.forest(), request());
            ledger.add(
                    group, forest, now, same ? own(forest, now) : source.logProbs(group, forest));
        }
    }

    /// What the policy says, as the reference says it.
    private static List<Double> own(UnpairedForest forest, Measurement measured) {
        return new UnpairedReference().read(forest, measured.tokenLogProbs());
    }

    private UnpairedForest forest(List<RowAt<UnpairedExample>> group) {
        return context.clock()
                .timed("data", () -> UnpairedForest.of(RowAt.rows(group), groups.shares()));
    }

    private List<List<RowAt<UnpairedExample>>> groups(List<RowAt<UnpairedExample>> placed) {
        return groups.of(placed, p -> List.of(p.row().tokens().ids()));
    }

    private void prepareReferences() {
        reference = reference(rows);
        evalSets.forEach(set -> evalReferences.add(reference(set.rows())));
    }

    private Reference<UnpairedExample, UnpairedForest, Double> reference(
            List<UnpairedExample> all) {
        var live =
                new Reference.Live<UnpairedExample, UnpairedForest, Double>(
                        referenceScorer, new UnpairedReference());
        if (!config.precomputesReference()) {
            return live;
        }
        try (var _ = context.clock().enter("reference")) {
            var cache =
                    new ReferenceCache(
                            config.training().save().outputDir(),
                            config.referenceKind() + "/" + context.modelFingerprint());
            List<double[]> columns =
                    cache.get(
                            Fingerprints.ofUnpaired(all),
                            UnpairedReference.COLUMNS,
                            groups(RowAt.of(RunParts.wholeSet(all.size(), all.size()), all)),
                            group -> score(live, group));
            return new Reference.Precomputed<>(Arrays.stream(columns.getFirst()).boxed().toList());
        }
    }

    private List<double[]> score(
            Reference<UnpairedExample, UnpairedForest, Double> live,
            List<RowAt<UnpairedExample>> group) {
        try (var _ = TensorScope.open("bco.reference")) {
            return live.logProbs(group, forest(group)).stream()
                    .map(logProb -> new double[] {logProb})
                    .toList();
        }
    }

    private final class BcoWork implements TrainingLoop.Work {
        private final BatchPlan plan;

        BcoWork(BatchPlan plan) {
            this.plan = plan;
        }

        @Override
        public Optional<StepReport> step(int step) {
            return BcoTrainer.this.step(plan.window(step));
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            return BcoTrainer.this.evaluate();
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

        @Override
        public void save(Path folder) throws IOException {
            DeltaFile.write(folder, delta);
        }

        @Override
        public void restore(Path folder) {
            delta = DeltaFile.read(folder);
            start.resumed();
        }
    }
}
