package org.attune.trainers.grpo;

import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.layout.CompletionForest;
import org.attune.datasets.layout.TargetRange;
import org.attune.error.ConfigException;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.reward.CompletionScorer;
import org.attune.rollout.RolloutSource;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.grpo.Normaliser.MicroBatchSize;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.ReferenceSync;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.loop.TrainingLoop;
import org.attune.trainers.onpolicy.CompletionText;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.rows.RowAt;
import org.attune.trainers.rows.RowGroups;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Group-relative policy optimisation: the policy completes prompts, rewards judge the
/// completions, and those better than their group become likelier. Read [#train], then [#step],
/// then [GrpoObjective#evaluate].
///
/// One instance is one run. The caller owns and closes policy, reference, rollouts and rewards.
public final class GrpoTrainer {
    private final GrpoConfig config;
    private final CausalPolicy policy;
    private final List<PromptExample> prompts;
    private final List<EvalSet<PromptExample>> evalSets;
    private final RunContext context;
    private final GrpoObjective objective;
    private final Normaliser normaliser;
    private final HeadRequest request;
    private final RowGroups groups;
    private final RoundGenerator generator;
    private final RoundPlan plan;
    private final boolean comparesSampler;
    private final Map<String, String> judges;
    private final Optional<ReferenceSync> sync;
    private RolloutRound round;

    /// @param config checked here
    /// @param policy with the values to start from
    /// @param reference what the KL term pulls to; needed where `beta` isn't 0
    /// @param rollouts completes prompts with the policy's weights as they are
    /// @param rewards judges completions
    /// @param tokenizer of the policy, borrowed
    /// @param prompts training prompts, prepared
    /// @param evalSets may be empty
    /// @throws ConfigException with all problems of the configuration
    public GrpoTrainer(
            GrpoConfig config,
            CausalPolicy policy,
            Optional<Scorer> reference,
            RolloutSource rollouts,
            CompletionScorer rewards,
            Tokenizer tokenizer,
            List<PromptExample> prompts,
            List<EvalSet<PromptExample>> evalSets,
            RunContext context) {
        this.config = ConfigCheck.validate(config);
        this.policy = new TimedPolicy(policy, context.clock());
        this.prompts = List.copyOf(prompts);
        this.evalSets = List.copyOf(evalSets);
        this.context = context;
        if (config.loss().beta() != 0 && reference.isEmpty()) {
            throw new ConfigException(
                    "beta is %s, but there is no reference".formatted(config.loss().beta()));
        }
        objective = GrpoObjectives.of(config.loss());
        normaliser =
                GrpoObjectives.normaliser(
                        config.loss().lossType(), config.generation().maxCompletionLength());
        request = GrpoObjectives.request(config);
        groups = RowGroups.of(config.training(), context);
        generator =
                new RoundGenerator(
                        config,
                        this.policy,
                        reference.map(r -> TimedPolicy.reference(r, context.clock())),
                        rollouts,
                        rewards,
                        new CompletionText(tokenizer),
                        groups,
                        context.clock());
        sync = reference.flatMap(r -> ReferenceSync.of(config.reference().sync(), r));
        judges = rewards.identity();
        plan = RoundPlan.of(config, this.prompts.size());
        // The sampler's log-probabilities are those of temperature 1.
        comparesSampler = rollouts.isOnPolicy() && config.generation().temperature() == 1;
    }

    /// Trains to the last step, or until the context's stop signal.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    var parts = new RunParts("grpo", config.training(), policy, context);
                    parts.requireWholeSteps(RoundPlan.rowTokens(config, prompts));
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    var identity = parts.identity(config, Fingerprints.ofPrompts(prompts));
                    identity.putAll(judges);
                    identity.putAll(Fingerprints.ofRecorded(config.rollouts().recordedRollouts()));
                    return parts.run(
                            plan.steps(config.training().schedule().numTrainEpochs()),
                            plan.stepsPerEpoch(),
                            identity,
                            new GrpoWork());
                });
    }

    /// Adds the gradient of one step's loss, generating where a round is used up.
    private Optional<StepReport> step(int step) {
        RolloutRound before = round;
        Optional<StepReport> report = Optional.empty();
        try {
            report = accumulate(step);
        } finally {
            if (report.isEmpty()) {
                round = before; // as if the step had never begun, for the checkpoint
            }
        }
        return report;
    }

    private Optional<StepReport> accumulate(int step) {
        policy.startStep(step);
        int accumulation = plan.accumulation();
        List<RowAt<RolloutRow>> placed = new ArrayList<>();
        List<MicroBatchSize> sizes = new ArrayList<>();
        List<Map<String, Double>> metrics = new ArrayList<>();
        long tokens = 0;
        for (int m = 0; m < accumulation; m++) {
            long microStep = (long) step * accumulation + m;
            if (context.stop().requested()) {
                return Optional.empty();
            }
            if (round == null || round.number() != plan.round(microStep)) {
                var made = generate(plan.round(microStep));
                round = made.made();
                metrics.add(made.metrics());
                tokens += made.tokens();
            }
            List<RolloutRow> rows = round.slice(plan.slice(microStep), plan.microBatchRows());
            for (RolloutRow row : rows) {
                placed.add(new RowAt<>(row, row.prompt(), m, placed.size()));
            }
            sizes.add(
                    new MicroBatchSize(
                            rows.size(),
                            rows.stream().mapToDouble(RolloutRow::counted).sum(),
                            round.counted() * accumulation / plan.microBatchesPerRound(),
                            accumulation));
        }
        var totals = new StepTotals(objective, accumulation);
        for (List<RowAt<RolloutRow>> group : groups.of(placed, p -> p.row().tokens().sequences())) {
            if (context.stop().requested()) {
                return Optional.empty();
            }
            CompletionForest forest = context.clock().timed("data", () -> forest(group));
            try (var _ = TensorScope.open("grpo.step");
                    Evaluation e = policy.evaluate(forest.forest(), request)) {
                e.backward(slopes(group, forest, e.measurement(), sizes, totals)); // (M)
            }
        }
        metrics.addAll(totals.metrics());
        return Optional.of(new StepReport(totals.loss(), metrics, tokens));
    }

    private CompletionForest forest(List<RowAt<RolloutRow>> group) {
        return CompletionForest.of(
                RowAt.rows(group).stream().map(RolloutRow::tokens).toList(), groups.shares());
    }

    /// Derivative of the step's loss by the log-probability of each target of a group, `(M)`.
    private float[] slopes(
            List<RowAt<RolloutRow>> group,
            CompletionForest forest,
            Measurement measured,
            List<MicroBatchSize> sizes,
            StepTotals totals) {
        float[] entropy = measured.statistic(HeadStatistic.ENTROPY);
        float[] slopes = new float[forest.forest().targetCount()];
        for (int i = 0; i < group.size(); i++) {
            RolloutRow row = group.get(i).row();
            int m = group.get(i).microBatch();
            TargetRange range = forest.completions().get(i);
            double[] logProbs = range.of(measured.tokenLogProbs());
            CompletionScores scores = row.scores(logProbs);
            GrpoObjective.Result result = objective.evaluate(scores);
            FiniteLoss.require(result.loss(), List.of(prompts.get(row.prompt()).origin().where()));
            double factor = normaliser.factor(sizes.get(m), row.counted());
            for (int t = 0; t < range.size(); t++) {
                slopes[range.start() + t] = (float) (factor * result.slopes()[t]);
            }
            totals.add(m, scores, result, factor, range.of(entropy));
            if (comparesSampler) {
                totals.compareSampler(
                        m,
                        row.samplingLogProbs(),
                        scores.old().orElse(scores.policy()),
                        row.mask());
            }
        }
        return slopes;
    }

    private Rounds.Made<RolloutRound> generate(long number) {
        var made = generator.round(number, plan.promptsOf(number), prompts, !plan.staysOnPolicy());
        context.listeners().forEach(l -> l.onCompletions(number, made.table()));
        return made;
    }

    private final class GrpoWork implements TrainingLoop.Work {
        @Override
        public Optional<StepReport> step(int step) {
            return GrpoTrainer.this.step(step);
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            return generator.rounds().heldOut().evaluate(evalSets, context);
        }

        @Override
        public List<String> origins(int step) {
            return round.rows().stream()
                    .map(row -> prompts.get(row.prompt()).origin().where())
                    .distinct()
                    .toList();
        }

        @Override
        public String heldoutMetric() {
            return MetricKeys.REWARD;
        }

        @Override
        public void updated(int step) {
            sync.ifPresent(s -> s.updated(step));
        }

        @Override
        public void save(Path folder) throws IOException {
            if (round != null) {
                round.write(folder);
            }
            if (sync.isPresent()) {
                sync.get().save(folder);
            }
        }

        @Override
        public void restore(Path folder) {
            round = RolloutRound.read(folder, i -> prompts.get(i).ids()).orElse(null);
            generator.rounds().continueAt(round == null ? 0 : round.number() + 1);
            sync.ifPresent(s -> s.restore(folder));
        }
    }
}
