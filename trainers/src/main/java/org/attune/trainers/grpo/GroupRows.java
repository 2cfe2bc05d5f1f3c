package org.attune.trainers.grpo;

import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.policy.CausalPolicy;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.grpo.Normaliser.MicroBatchSize;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.CorrectionNotice;
import org.attune.trainers.onpolicy.JudgedRounds;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.RoundRows;
import org.attune.trainers.onpolicy.RowMaker;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepRows;
import org.attune.trainers.step.Trainer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Groups of completions, from which methods without a critic learn, as GRPO, RLOO and what is
/// between them do. The policy completes prompts, rewards judge the completions, and those better
/// than their group become likelier. Read [#step], then [GroupStep], [GroupLoss] and
/// [CompletionLoss#evaluate].
public final class GroupRows implements RowMaker<RolloutRow> {
    private final GroupRun config;
    private final JudgedRounds rounds;
    private final RoundPlan plan;
    private final GroupLoss loss;
    private final EntropyControl entropy;
    private final GroupRounds groups;
    private final Optional<OptimalValues> values;
    private final GroupCorrection correction;
    private final boolean comparesSampler;
    private Optional<RolloutRound> round = Optional.empty(); // in use after the last whole step
    private Optional<RolloutRound> next = Optional.empty(); // in use after the running step

    private GroupRows(GroupRun config, JudgedRounds rounds, boolean onPolicy) {
        this.config = config;
        this.rounds = rounds;
        plan = rounds.plan();
        loss = GroupLosses.of(config);
        entropy = new EntropyControl(loss.entropy());
        correction =
                new GroupCorrection(
                        config,
                        loss,
                        new CorrectionNotice(config, rounds.means().context().listeners()));
        values =
                loss.completion() instanceof AdvantageRegression
                                && config instanceof GrpoConfig grpo
                        ? Optional.of(new OptimalValues(grpo.loss(), rounds))
                        : Optional.empty();
        groups = new GroupRounds(config, loss, rounds, correction, values);
        // The sampler's log-probabilities are those of temperature 1 and all tokens.
        comparesSampler =
                onPolicy
                        && !config.lag().goesOn()
                        && config.sampling().temperature() == 1
                        && !config.keepsSamplingMask();
    }

    /// A run.
    ///
    /// @param config checked here
    /// @param policy with the values to start from. The caller closes it
    /// @param inputs with a reference where `beta` isn't 0
    /// @throws ConfigException with all problems of the configuration
    public static Trainer<?, ?> trainer(
            GroupRun config, CausalPolicy policy, RoundInputs inputs, RunContext context) {
        ConfigCheck.validate((Record) config);
        if (config.beta() != 0 && inputs.reference().isEmpty()) {
            throw new ConfigException(
                    "beta is %s, but there is no reference".formatted(config.beta()));
        }
        RoundPlan plan = RoundPlan.of(config, inputs.prompts());
        int steps = plan.steps(config.training().schedule().numTrainEpochs());
        var ratio = Optional.of(GroupLosses.plainRequest(config));
        Trainer.Means means = Trainer.Means.of(config, policy, context);
        int group = config.numGenerations();
        var rounds = new JudgedRounds(config, plan, means, inputs, group, steps, ratio);
        return RoundRows.trainer(
                config, rounds, new GroupRows(config, rounds, inputs.source().isOnPolicy()));
    }

    @Override
    public RowTokens lengths() {
        return RoundPlan.rowTokens(config, rounds.prompts());
    }

    @Override
    public void begin() {
        correction.begin(plan);
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
                next = Optional.of(made.round());
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
                        config,
                        loss,
                        step,
                        sizes,
                        entropy,
                        tokens,
                        comparesSampler,
                        rounds::origin);
        return new StepRows<>(objective, placed, accumulation, metrics, () -> origins(placed));
    }

    private List<String> origins(List<RowAt<RolloutRow>> placed) {
        return placed.stream().map(row -> rounds.origin(row.row().prompt())).distinct().toList();
    }

    private GroupRounds.NewRound generate(long number) {
        var made =
                groups.round(
                        number,
                        next.map(RolloutRound::drawn).orElse(number),
                        next.map(RolloutRound::replay)
                                .orElseGet(
                                        () ->
                                                ReplayBuffer.empty(
                                                        loss.replay().replayBufferSize())));
        rounds.show(number, made.table());
        return made;
    }

    @Override
    public void learned(int step) {
        round = next;
        rounds.used(round.orElseThrow().number());
    }

    @Override
    public List<CheckpointPart> checkpointParts() {
        List<CheckpointPart> parts = new ArrayList<>(List.of(new RoundPart(), entropy));
        values.ifPresent(parts::add);
        return parts;
    }

    /// The round that is in use.
    private final class RoundPart implements CheckpointPart {
        private final RolloutLines lines = new RolloutLines(i -> rounds.prompts().get(i).ids());

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
