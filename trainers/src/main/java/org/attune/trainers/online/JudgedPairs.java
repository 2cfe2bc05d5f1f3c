package org.attune.trainers.online;

import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.layout.CompletionForest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Scorer;
import org.attune.reward.CompletionScorer;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.RolloutSource;
import org.attune.text.Tokenizer;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.config.ScheduleConfig;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.ReferenceSync;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.onpolicy.CompletionJudge.Judged;
import org.attune.trainers.onpolicy.CompletionMeasure;
import org.attune.trainers.onpolicy.CorrectionNotice;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.RoundPosition;
import org.attune.trainers.onpolicy.RoundWriter;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.onpolicy.RoundsAhead;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.RowSupply;
import org.attune.trainers.step.StepEngine;
import org.attune.trainers.step.StepRows;
import org.attune.trainers.step.Trainer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// The rows of online preference optimisation: each prompt is completed twice, by the policy or by
/// it and an opponent, and rewards judge both. Read [#step], then [PairStep] and [OnlineSums].
public final class JudgedPairs implements RowSupply<JudgedPair, CompletionForest> {
    private static final int PAIR = 2;

    private final OnlineRun config;
    private final Scorer reference;
    private final Optional<ReferenceSync> sync;
    private final List<PromptExample> prompts;
    private final List<EvalSet<PromptExample>> evalSets;
    private final RunContext context;
    private final Rounds rounds;
    private final Optional<RoundsAhead> ahead;
    private final RoundPlan plan;
    private final Map<String, String> judges;
    private final RoundPosition position;

    private JudgedPairs(
            OnlineRun config,
            Trainer.Means means,
            Scorer reference,
            RolloutSource rollouts,
            CompletionScorer rewards,
            Tokenizer tokenizer,
            List<PromptExample> prompts,
            List<EvalSet<PromptExample>> evalSets) {
        this.config = config;
        context = means.context();
        this.reference = TimedPolicy.reference(reference, context.clock());
        sync = ReferenceSync.of(config.reference().sync(), reference);
        this.prompts = List.copyOf(prompts);
        this.evalSets = List.copyOf(evalSets);
        rounds =
                Rounds.judged(
                        config, rollouts, rewards, tokenizer, means.devices(), context.clock());
        judges = rewards.identity();
        plan = RoundPlan.of(config, this.prompts.size());
        position = new RoundPosition(rounds);
        var measure =
                new CompletionMeasure(
                        config.method(), means.groups(), means.devices(), context.clock());
        CausalPolicy policy = means.policy();
        var writer =
                new RoundWriter(
                        rounds, measure, policy, Optional.empty(), plan, this.prompts, PAIR);
        ahead = RoundsAhead.of(config.lag(), rounds(), writer, policy.parameters(), context);
    }

    /// A run.
    ///
    /// @param config checked here
    /// @param policy with the values to start from. The caller closes it
    /// @param reference what the policy is held to. The caller closes it
    /// @param rollouts completes prompts with the policy's weights as they are; of methods with an
    ///     opponent every second completion is its; borrowed
    /// @param rewards judges completions; borrowed
    /// @param tokenizer of the policy, borrowed
    /// @param prompts training prompts, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static Trainer<?, ?> trainer(
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
        Trainer.Means means = Trainer.Means.of(config, policy, context);
        var pairs =
                new JudgedPairs(
                        config, means, reference, rollouts, rewards, tokenizer, prompts, evalSets);
        return new Trainer<>(config.method(), config, means, pairs);
    }

    private int rounds() {
        ScheduleConfig schedule = config.training().schedule();
        return schedule.maxSteps().orElseGet(this::steps);
    }

    @Override
    public RowTokens lengths() {
        return pairTokens(config, prompts);
    }

    /// How long a row of two completions may get.
    static RowTokens pairTokens(OnlineRun config, List<PromptExample> prompts) {
        int longest = prompts.stream().mapToInt(PromptExample::length).max().orElse(0);
        return RowTokens.atMost(
                PAIR * (longest + config.sampling().maxNewTokens()),
                config.training().batch().rowsOfStep());
    }

    @Override
    public void open(RunParts parts, StepEngine engine) {
        new CorrectionNotice(config, context.listeners())
                .tell(
                        config.rollouts().isElsewhere() || config.lag().isOn()
                                ? "none: the loss has no ratio"
                                : "none needed, since each step learns from completions of its"
                                        + " start");
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
        return Fingerprints.ofPrompts(prompts);
    }

    @Override
    public Map<String, String> identity() {
        Map<String, String> identity = new LinkedHashMap<>(judges);
        identity.putAll(Fingerprints.ofRecorded(config.rollouts().recordedRollouts()));
        return identity;
    }

    @Override
    public StepRows<JudgedPair, CompletionForest> step(int step) {
        int[] indices = plan.promptsOf(step);
        Judged judged =
                ahead.map(a -> a.judged(a.at(step)))
                        .orElseGet(() -> rounds.complete(step, indices, prompts, PAIR));
        rounds.keep(step, judged, IntStream.range(0, judged.rows().size()).toArray());
        context.listeners().forEach(l -> l.onCompletions(step, judged.table()));
        List<Map<String, Double>> metrics = new ArrayList<>(List.of(judged.metrics()));
        ahead.ifPresent(a -> metrics.add(a.metrics()));
        OnlineObjective objective = OnlineObjectives.of(config, step / plan.stepsPerEpoch());
        return new StepRows<>(
                new PairStep(objective, reference, judged.tokens()),
                placed(indices, judged),
                plan.accumulation(),
                metrics,
                () -> IntStream.of(indices).mapToObj(i -> prompts.get(i).origin().where()).toList());
    }

    @Override
    public void learned(int step) {
        position.used(step);
        ahead.ifPresent(a -> a.used(step));
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

    @Override
    public List<HeldOutMeans> evaluate() {
        return rounds.heldOut().evaluate(evalSets, context);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.REWARD;
    }

    @Override
    public List<CheckpointPart> checkpointParts() {
        List<CheckpointPart> parts = new ArrayList<>(List.of(position));
        ahead.ifPresent(parts::add);
        sync.ifPresent(parts::add);
        return parts;
    }

    @Override
    public void serve() {
        ahead.orElseThrow().serve();
    }

    @Override
    public void end() {
        ahead.ifPresent(RoundsAhead::end);
    }
}
