package org.attune.trainers.grpo;

import org.attune.datasets.examples.PromptExample;
import org.attune.error.ConfigException;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Scorer;
import org.attune.reward.CompletionScorer;
import org.attune.rollout.RolloutSource;
import org.attune.tensor.Engine;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.grpo.Normaliser.MicroBatchSize;
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
import org.attune.trainers.onpolicy.CompletionMeasure;
import org.attune.trainers.onpolicy.CorrectionNotice;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.RoundWriter;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.onpolicy.RoundsAhead;
import org.attune.trainers.rows.RowAt;
import org.attune.trainers.rows.RowGroups;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Learns from groups of completions without a critic, as GRPO, RLOO and what is between them do:
/// the policy completes prompts, rewards judge the completions, and those better than their group
/// become likelier. Read [#train], then [#step], then [GroupLoss] and [CompletionLoss#evaluate].
///
/// One instance is one run. The caller owns and closes policy, reference, rollouts and rewards.
public final class GrpoTrainer {
    private final GroupRun config;
    private final CausalPolicy policy;
    private final List<PromptExample> prompts;
    private final List<EvalSet<PromptExample>> evalSets;
    private final RunContext context;
    private final GroupLoss loss;
    private final LogicalDevices devices;
    private final EntropyControl entropy;
    private final GroupPass pass;
    private final GroupRounds rounds;
    private final GroupCorrection correction;
    private final Optional<RoundsAhead> ahead;
    private final RoundPlan plan;
    private final Map<String, String> judges;
    private final Optional<ReferenceSync> sync;
    private RolloutRound round;

    /// @param config checked here
    /// @param policy with the values to start from
    /// @param reference what the policy is held to; needed where `beta` isn't 0
    /// @param rollouts completes prompts with the policy's weights as they are
    /// @param rewards judges completions
    /// @param tokenizer of the policy, borrowed
    /// @param prompts training prompts, prepared
    /// @param evalSets may be empty
    /// @throws ConfigException with all problems of the configuration
    public GrpoTrainer(
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
        this.config = config;
        this.policy = new TimedPolicy(policy, context.clock());
        this.prompts = List.copyOf(prompts);
        this.evalSets = List.copyOf(evalSets);
        this.context = context;
        if (config.beta() != 0 && reference.isEmpty()) {
            throw new ConfigException(
                    "beta is %s, but there is no reference".formatted(config.beta()));
        }
        loss = GroupLosses.of(config);
        entropy = new EntropyControl(loss.entropy());
        RowGroups groups = RowGroups.of(config.training(), context);
        devices = LogicalDevices.of(config.training(), context);
        correction =
                new GroupCorrection(
                        config, loss, new CorrectionNotice(config, context.listeners()));
        plan = RoundPlan.of(config, this.prompts.size());
        Rounds judged =
                Rounds.judged(config, rollouts, rewards, tokenizer, devices, context.clock());
        var measure = new CompletionMeasure(config.method(), groups, devices, context.clock());
        ahead = ahead(judged, measure);
        rounds =
                new GroupRounds(
                        config,
                        loss,
                        this.policy,
                        reference.map(r -> TimedPolicy.reference(r, context.clock())),
                        judged,
                        measure,
                        correction,
                        ahead);
        sync = reference.flatMap(r -> ReferenceSync.of(config.reference().sync(), r));
        judges = rewards.identity();
        pass =
                new GroupPass(
                        config,
                        loss,
                        this.policy,
                        groups,
                        context,
                        i -> this.prompts.get(i).origin().where(),
                        // The sampler's log-probabilities are those of temperature 1.
                        rollouts.isOnPolicy() && config.generation().temperature() == 1,
                        devices);
    }

    private Optional<RoundsAhead> ahead(Rounds judged, CompletionMeasure measure) {
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

    /// Trains to the last step, or until the context's stop signal. A process that only writes
    /// completions does so until the others have ended.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    var parts = new RunParts(config.method(), config.training(), policy, context);
                    parts.requireWholeSteps(RoundPlan.rowTokens(config, prompts));
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    var identity = parts.identity((Record) config, Fingerprints.ofPrompts(prompts));
                    identity.putAll(judges);
                    identity.putAll(Fingerprints.ofRecorded(config.rollouts().recordedRollouts()));
                    correction.begin(plan);
                    try (var _ = devices) {
                        return RoundsAhead.run(
                                ahead,
                                parts,
                                identity,
                                () ->
                                        parts.run(
                                                plan.steps(
                                                        config.training()
                                                                .schedule()
                                                                .numTrainEpochs()),
                                                plan.stepsPerEpoch(),
                                                identity,
                                                new GrpoWork()));
                    }
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
        if (report.isPresent()) {
            ahead.ifPresent(rounds -> rounds.used(round.number()));
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
            List<RolloutRow> rows =
                    round.slice(plan.slice(microStep), plan.microBatchRows()).stream()
                            .filter(row -> !row.isAbsent())
                            .toList();
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
        var totals = new StepTotals(loss, accumulation);
        if (!pass.add(new GroupPass.Work(step, placed, sizes, entropy.applied()), totals)) {
            return Optional.empty();
        }
        metrics.addAll(totals.metrics());
        if (entropy.isOn()) {
            entropy.update(totals.bonusEntropy());
            metrics.add(Map.of("entropy_coef", entropy.coefficient()));
        }
        return Optional.of(
                devices.told(new StepReport(totals.loss(), metrics, tokens), pass.tokens()));
    }

    private Rounds.Made<RolloutRound> generate(long number) {
        var made =
                rounds.round(
                        number,
                        round == null ? number : round.drawn(),
                        round == null
                                ? ReplayBuffer.empty(loss.replay().replayBufferSize())
                                : round.replay(),
                        plan::promptsOf,
                        prompts,
                        !plan.staysOnPolicy());
        context.listeners().forEach(l -> l.onCompletions(number, made.table()));
        return made;
    }

    private RolloutLines lines() {
        return new RolloutLines(i -> prompts.get(i).ids());
    }

    private final class GrpoWork implements TrainingLoop.Work {
        @Override
        public Optional<StepReport> step(int step) {
            return GrpoTrainer.this.step(step);
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            return rounds.rounds().heldOut().evaluate(evalSets, context);
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
        public void saving() {
            ahead.ifPresent(RoundsAhead::collect);
        }

        @Override
        public void save(Path folder) throws IOException {
            if (round != null) {
                round.write(folder, lines());
            }
            if (ahead.isPresent()) {
                ahead.get().save(folder);
            }
            entropy.write(folder);
            if (sync.isPresent()) {
                sync.get().save(folder);
            }
        }

        @Override
        public void restore(Path folder) {
            round =
                    RolloutRound.read(folder, loss.replay().replayBufferSize(), lines())
                            .orElse(null);
            ahead.ifPresent(rounds -> rounds.restore(folder));
            entropy.read(folder);
            sync.ifPresent(s -> s.restore(folder));
            rounds.rounds().continueAt(round == null ? 0 : round.drawn());
        }
    }
}
