package org.attune.trainers.online;

import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.layout.CompletionForest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.Scorer;
import org.attune.reward.CompletionScorer;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.text.Tokenizer;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.config.ScheduleConfig;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.ReferenceSync;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.loop.TrainingLoop;
import org.attune.trainers.onpolicy.CompletionJudge.Judged;
import org.attune.trainers.onpolicy.CompletionMeasure;
import org.attune.trainers.onpolicy.CorrectionNotice;
import org.attune.trainers.onpolicy.RoundFile;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.RoundWriter;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.onpolicy.RoundsAhead;
import org.attune.trainers.rows.DeviceGroups;
import org.attune.trainers.rows.GroupNumbers;
import org.attune.trainers.rows.LastLayout;
import org.attune.trainers.rows.RowAt;
import org.attune.trainers.rows.RowGroups;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// Online preference optimisation: each prompt is completed twice, by the policy or by it and an
/// opponent, rewards judge both, and an [OnlineObjective] learns from the pair. Read [#train], then
/// [#step], then [OnlineSums].
///
/// One instance is one run. The caller owns and closes policy, reference, rollouts and rewards.
public final class OnlinePairTrainer {
    private static final int PAIR = 2;
    private static final HeadRequest REQUEST = HeadRequest.of();

    private final OnlineRun config;
    private final CausalPolicy policy;
    private final Scorer reference;
    private final Optional<ReferenceSync> sync;
    private final List<PromptExample> prompts;
    private final List<EvalSet<PromptExample>> evalSets;
    private final RunContext context;
    private final RowGroups groups;
    private final LogicalDevices devices;
    private final Rounds rounds;
    private final Optional<RoundsAhead> ahead;
    private final RoundPlan plan;
    private final Map<String, String> judges;
    private long next;

    /// @param config checked here
    /// @param policy with the values to start from
    /// @param reference what the policy is held to
    /// @param rollouts completes prompts with the policy's weights as they are; of methods with an
    ///     opponent every second completion is its
    /// @param rewards judges completions
    /// @param tokenizer of the policy, borrowed
    /// @param prompts training prompts, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public OnlinePairTrainer(
            OnlineRun config,
            CausalPolicy policy,
            Scorer reference,
            RolloutSource rollouts,
            CompletionScorer rewards,
            Tokenizer tokenizer,
            List<PromptExample> prompts,
            List<EvalSet<PromptExample>> evalSets,
            RunContext context) {
        ConfigCheck.validate((Record) config);
        this.config = config;
        this.policy = new TimedPolicy(policy, context.clock());
        this.reference = TimedPolicy.reference(reference, context.clock());
        sync = ReferenceSync.of(config.reference().sync(), reference);
        this.prompts = List.copyOf(prompts);
        this.evalSets = List.copyOf(evalSets);
        this.context = context;
        groups = RowGroups.of(config.training(), context);
        devices = LogicalDevices.of(config.training(), context);
        rounds = Rounds.judged(config, rollouts, rewards, tokenizer, devices, context.clock());
        judges = rewards.identity();
        plan = RoundPlan.of(config, this.prompts.size());
        ahead = ahead();
    }

    private Optional<RoundsAhead> ahead() {
        var measure = new CompletionMeasure(config.method(), groups, devices, context.clock());
        var writer =
                new RoundWriter(rounds, measure, policy, Optional.empty(), plan, prompts, PAIR);
        return RoundsAhead.of(config.lag(), steps(), writer, policy.parameters(), context);
    }

    private int steps() {
        ScheduleConfig schedule = config.training().schedule();
        return schedule.maxSteps().orElseGet(() -> plan.steps(schedule.numTrainEpochs()));
    }

    /// Trains to the last step, or until the context's stop signal. A process that only writes
    /// completions does so until the others have ended.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    var parts = new RunParts(config.method(), config.training(), policy, context);
                    parts.requireWholeSteps(pairTokens(config, prompts));
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    Map<String, String> identity =
                            parts.identity((Record) config, Fingerprints.ofPrompts(prompts));
                    identity.putAll(judges);
                    identity.putAll(Fingerprints.ofRecorded(config.rollouts().recordedRollouts()));
                    new CorrectionNotice(config, context.listeners())
                            .tell(
                                    config.rollouts().isElsewhere() || config.lag().isOn()
                                            ? "none: the loss has no ratio"
                                            : "none needed, since each step learns from completions"
                                                    + " of its start");
                    try (var _ = devices) {
                        return RoundsAhead.run(
                                ahead,
                                parts,
                                identity,
                                () ->
                                        parts.run(
                                                steps(),
                                                plan.stepsPerEpoch(),
                                                identity,
                                                new PairWork()));
                    }
                });
    }

    /// How long a row of two completions may get.
    static RowTokens pairTokens(OnlineRun config, List<PromptExample> prompts) {
        int longest = prompts.stream().mapToInt(PromptExample::length).max().orElse(0);
        return RowTokens.atMost(
                PAIR * (longest + config.sampling().maxNewTokens()),
                config.training().batch().rowsOfStep());
    }

    /// Adds the gradient of one step's loss.
    private Optional<StepReport> step(int step) {
        policy.startStep(step);
        int[] indices = plan.promptsOf(step);
        Judged judged =
                ahead.map(a -> a.judged(a.at(step)))
                        .orElseGet(() -> rounds.complete(step, indices, prompts, PAIR));
        rounds.keep(step, judged, IntStream.range(0, judged.rows().size()).toArray());
        context.listeners().forEach(l -> l.onCompletions(step, judged.table()));
        List<RowAt<JudgedPair>> placed = placed(indices, judged);
        int[] pairs = new int[plan.accumulation()];
        placed.forEach(row -> pairs[row.microBatch()]++);
        OnlineObjective objective = OnlineObjectives.of(config, step / plan.stepsPerEpoch());
        var sums = new OnlineSums(objective, pairs);
        DeviceGroups<RowAt<JudgedPair>> cut =
                groups.dealt(devices, placed, row -> ids(objective.learned(row.row())));
        var layouts =
                new LastLayout<RowAt<JudgedPair>, CompletionForest>(
                        group -> forest(group, objective));
        boolean done =
                cut.learn(
                        policy,
                        sums,
                        new OnlineSums(objective, pairs),
                        context.stop()::requested,
                        (group, into) -> learn(group, layouts, into),
                        (group, said) -> add(group, layouts.of(group), said, sums));
        if (!done) {
            return Optional.empty();
        }
        next = step + 1L;
        List<Map<String, Double>> metrics = new ArrayList<>(List.of(judged.metrics()));
        ahead.ifPresent(
                a -> {
                    metrics.add(a.metrics());
                    a.used(step);
                });
        for (int m = 0; m < pairs.length; m++) {
            metrics.add(sums.metrics(m));
        }
        return Optional.of(
                devices.told(
                        new StepReport(sums.loss(), metrics, judged.tokens()),
                        cut.tokens(row -> tokens(objective.learned(row.row())))));
    }

    private static int tokens(List<LearnedCompletion> completions) {
        return ids(completions).stream().mapToInt(ids -> ids.length).sum();
    }

    private static List<int[]> ids(List<LearnedCompletion> completions) {
        return completions.stream().flatMap(one -> one.tokens().sequences().stream()).toList();
    }

    private CompletionForest forest(List<RowAt<JudgedPair>> group, OnlineObjective objective) {
        List<LearnedCompletion> learned =
                group.stream().flatMap(row -> objective.learned(row.row()).stream()).toList();
        return CompletionForest.own(
                learned.stream().map(LearnedCompletion::tokens).toList(),
                learned.stream().map(LearnedCompletion::foreign).toList(),
                groups.shares());
    }

    private GroupNumbers learn(
            List<RowAt<JudgedPair>> group,
            LastLayout<RowAt<JudgedPair>, CompletionForest> layouts,
            OnlineSums sums) {
        CompletionForest forest = context.clock().timed("data", () -> layouts.of(group));
        try (var _ = TensorScope.open("online.step")) {
            float[] held = reference.measure(forest.forest(), REQUEST).tokenLogProbs(); // (M)
            try (Evaluation e = policy.evaluate(forest.forest(), REQUEST)) {
                GroupNumbers said = GroupNumbers.ofTargets(e.measurement(), held);
                e.backward(add(group, forest, said, sums)); // (M)
                return said;
            }
        }
    }

    private static float[] add(
            List<RowAt<JudgedPair>> group,
            CompletionForest forest,
            GroupNumbers said,
            OnlineSums sums) {
        return sums.add(group, forest, said.policy().tokenLogProbs(), said.referenceOfTargets());
    }

    /// The pairs of a round. There is no pair where an episode failed, or ended so that it isn't
    /// trained.
    private List<RowAt<JudgedPair>> placed(int[] indices, Judged judged) {
        List<RowAt<JudgedPair>> placed = new ArrayList<>();
        for (int p = 0; p < indices.length; p++) {
            int first = PAIR * p;
            if (isLeftOut(judged, first) || isLeftOut(judged, first + 1)) {
                continue; // as if there were no such pair
            }
            var pair =
                    new JudgedPair(
                            learned(judged, first),
                            learned(judged, first + 1),
                            reward(judged, first),
                            reward(judged, first + 1),
                            isEnded(judged, first),
                            isEnded(judged, first + 1),
                            prompts.get(indices[p]).origin());
            placed.add(new RowAt<>(pair, indices[p], p / plan.microBatchRows(), p));
        }
        return placed;
    }

    private static LearnedCompletion learned(Judged judged, int completion) {
        return new LearnedCompletion(
                judged.rows().get(completion), judged.sampled().get(completion).foreign());
    }

    private boolean isLeftOut(Judged judged, int completion) {
        SampledCompletion one = judged.sampled().get(completion);
        return one.isFailed() || config.agent().masks(one);
    }

    private static boolean isEnded(Judged judged, int completion) {
        return judged.sampled().get(completion).reason().isFinished();
    }

    /// The weighted sum of a completion's rewards, 0 if it has none, as in TRL.
    private double reward(Judged judged, int completion) {
        double total = judged.table().rewards().total(completion);
        double reward = Double.isNaN(total) ? 0 : total;
        return isEnded(judged, completion)
                ? reward
                : reward - config.judging().missingEosPenalty().orElse(0);
    }

    private final class PairWork implements TrainingLoop.Work {
        private int[] latest = {};

        @Override
        public Optional<StepReport> step(int step) {
            latest = plan.promptsOf(step);
            return OnlinePairTrainer.this.step(step);
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            return rounds.heldOut().evaluate(evalSets, context);
        }

        @Override
        public List<String> origins(int step) {
            return Arrays.stream(latest).mapToObj(i -> prompts.get(i).origin().where()).toList();
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
        public void saving() {
            ahead.ifPresent(RoundsAhead::collect);
        }

        @Override
        public void save(Path folder) throws IOException {
            RoundFile.write(folder, next);
            if (ahead.isPresent()) {
                ahead.get().save(folder);
            }
            if (sync.isPresent()) {
                sync.get().save(folder);
            }
        }

        @Override
        public void restore(Path folder) {
            next = RoundFile.read(folder);
            rounds.continueAt(next);
            ahead.ifPresent(a -> a.restore(folder));
            sync.ifPresent(s -> s.restore(folder));
        }
    }
}
