package org.attune.trainers.grpo;

import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.layout.CompletionForest;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.trainers.grpo.Normaliser.MicroBatchSize;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Scorer;
import org.attune.reward.CompletionScorer;
import org.attune.rollout.RolloutSource;
import org.attune.text.Tokenizer;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.ReferenceSync;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.onpolicy.CompletionMeasure;
import org.attune.trainers.onpolicy.CorrectionNotice;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.RoundWriter;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.onpolicy.RoundsAhead;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.RowSupply;
import org.attune.trainers.step.StepEngine;
import org.attune.trainers.step.StepRows;
import org.attune.trainers.step.Trainer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The rows of methods that learn from groups of completions without a critic, as GRPO, RLOO and
/// what is between them do: the policy completes prompts, rewards judge the completions, and those
/// better than their group become likelier. Read [#step], then [GroupStep], [GroupLoss] and
/// [CompletionLoss#evaluate].
public final class GroupRows implements RowSupply<RolloutRow, CompletionForest> {
    private final GroupRun config;
    private final List<PromptExample> prompts;
    private final List<EvalSet<PromptExample>> evalSets;
    private final RunContext context;
    private final GroupLoss loss;
    private final EntropyControl entropy;
    private final GroupRounds rounds;
    private final GroupCorrection correction;
    private final Optional<RoundsAhead> ahead;
    private final RoundPlan plan;
    private final Map<String, String> judges;
    private final Optional<ReferenceSync> sync;
    private final boolean comparesSampler;
    private Optional<RolloutRound> round = Optional.empty(); // in use after the last whole step
    private Optional<RolloutRound> next = Optional.empty(); // in use after the running step

    private GroupRows(
            GroupRun config,
            Trainer.Means means,
            Optional<Scorer> reference,
            RolloutSource rollouts,
            CompletionScorer rewards,
            Tokenizer tokenizer,
            List<PromptExample> prompts,
            List<EvalSet<PromptExample>> evalSets) {
        this.config = config;
        this.prompts = List.copyOf(prompts);
        this.evalSets = List.copyOf(evalSets);
        context = means.context();
        loss = GroupLosses.of(config);
        entropy = new EntropyControl(loss.entropy());
        correction =
                new GroupCorrection(
                        config, loss, new CorrectionNotice(config, context.listeners()));
        plan = RoundPlan.of(config, this.prompts.size());
        Rounds judged =
                Rounds.judged(
                        config, rollouts, rewards, tokenizer, means.devices(), context.clock());
        var measure =
                new CompletionMeasure(
                        config.method(), means.groups(), means.devices(), context.clock());
        ahead = ahead(judged, measure, means.policy());
        rounds =
                new GroupRounds(
                        config,
                        loss,
                        means.policy(),
                        reference.map(r -> TimedPolicy.reference(r, context.clock())),
                        judged,
                        measure,
                        correction,
                        ahead);
        sync = reference.flatMap(r -> ReferenceSync.of(config.reference().sync(), r));
        judges = rewards.identity();
        // The sampler's log-probabilities are those of temperature 1.
        comparesSampler = rollouts.isOnPolicy() && config.generation().temperature() == 1;
    }

    /// A run.
    ///
    /// @param config checked here
    /// @param policy with the values to start from. The caller closes it
    /// @param reference what the policy is held to; needed where `beta` isn't 0. The caller closes
    ///     it
    /// @param rollouts completes prompts with the policy's weights as they are; borrowed
    /// @param rewards judges completions; borrowed
    /// @param tokenizer of the policy, borrowed
    /// @param prompts training prompts, prepared
    /// @param evalSets may be empty
    /// @throws ConfigException with all problems of the configuration
    public static Trainer<?, ?> trainer(
            GroupRun config,
            CausalPolicy policy,
            Optional<Scorer> reference,
            RolloutSource rollouts,
            CompletionScorer rewards,
            Tokenizer tokenizer,
            List<PromptExample> prompts,
            List<EvalSet<PromptExample>> evalSets,
            RunContext context) {
        ConfigCheck.validate((Record) config);
        if (config.beta() != 0 && reference.isEmpty()) {
            throw new ConfigException(
                    "beta is %s, but there is no reference".formatted(config.beta()));
        }
        Trainer.Means means = Trainer.Means.of(config, policy, context);
        var rows =
                new GroupRows(
                        config, means, reference, rollouts, rewards, tokenizer, prompts, evalSets);
        return new Trainer<>(config.method(), config, means, rows);
    }

    private Optional<RoundsAhead> ahead(
            Rounds judged, CompletionMeasure measure, CausalPolicy policy) {
        var writer =
                new RoundWriter(
                        judged,
                        measure,
                        policy,
                        Optional.of(GroupLosses.plainRequest(config)),
                        plan,
                        prompts,
                        config.generation().numGenerations());
        return RoundsAhead.of(
                config.lag(),
                plan.rounds(config.training().schedule()),
                writer,
                policy.parameters(),
                context);
    }

    @Override
    public RowTokens lengths() {
        return RoundPlan.rowTokens(config, prompts);
    }

    @Override
    public void open(RunParts parts, StepEngine engine) {
        correction.begin(plan);
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

    /// The completions of a step's micro-batches, generated where a round is used up.
    @Override
    public StepRows<RolloutRow, CompletionForest> step(int step) {
        int accumulation = plan.accumulation();
        List<RowAt<RolloutRow>> placed = new ArrayList<>();
        List<MicroBatchSize> sizes = new ArrayList<>();
        List<Map<String, Double>> metrics = new ArrayList<>();
        long tokens = 0;
        next = round;
        for (int m = 0; m < accumulation; m++) {
            long microStep = (long) step * accumulation + m;
            StopRequest.check();
            long number = plan.round(microStep);
            if (next.filter(r -> r.number() == number).isEmpty()) {
                var made = generate(number);
                next = Optional.of(made.made());
                metrics.add(made.metrics());
                tokens += made.tokens();
            }
            RolloutRound used = next.orElseThrow();
            List<RolloutRow> rows =
                    used.slice(plan.slice(microStep), plan.microBatchRows()).stream()
                            .filter(row -> !row.isAbsent())
                            .toList();
            for (RolloutRow row : rows) {
                placed.add(new RowAt<>(row, row.prompt(), m, placed.size()));
            }
            sizes.add(
                    new MicroBatchSize(
                            rows.size(),
                            rows.stream().mapToDouble(RolloutRow::counted).sum(),
                            used.counted() * accumulation / plan.microBatchesPerRound(),
                            accumulation));
        }
        var objective =
                new GroupStep(
                        config, loss, step, sizes, entropy, tokens, comparesSampler, this::origin);
        return new StepRows<>(objective, placed, accumulation, metrics, () -> origins(placed));
    }

    private String origin(int prompt) {
        return prompts.get(prompt).origin().where();
    }

    private List<String> origins(List<RowAt<RolloutRow>> placed) {
        return placed.stream().map(row -> origin(row.row().prompt())).distinct().toList();
    }

    private Rounds.Made<RolloutRound> generate(long number) {
        var made =
                rounds.round(
                        number,
                        next.map(RolloutRound::drawn).orElse(number),
                        next.map(RolloutRound::replay)
                                .orElseGet(
                                        () -> ReplayBuffer.empty(loss.replay().replayBufferSize())),
                        plan::promptsOf,
                        prompts,
                        !plan.staysOnPolicy());
        context.listeners().forEach(l -> l.onCompletions(number, made.table()));
        return made;
    }

    @Override
    public void learned(int step) {
        round = next;
        ahead.ifPresent(rounds -> rounds.used(round.orElseThrow().number()));
    }

    @Override
    public List<HeldOutMeans> evaluate() {
        return rounds.rounds().heldOut().evaluate(evalSets, context);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.REWARD;
    }

    @Override
    public List<CheckpointPart> checkpointParts() {
        List<CheckpointPart> parts = new ArrayList<>(List.of(new RoundPart(), entropy));
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

    /// The round that is in use.
    private final class RoundPart implements CheckpointPart {
        private final RolloutLines lines = new RolloutLines(i -> prompts.get(i).ids());

        @Override
        public void save(Path folder) throws IOException {
            if (round.isPresent()) {
                round.get().write(folder, lines);
            }
        }

        @Override
        public void restore(Path folder) {
            round = RolloutRound.read(folder, loss.replay().replayBufferSize(), lines);
            rounds.rounds().continueAt(round.map(RolloutRound::drawn).orElse(0L));
        }
    }
}
