package org.attune.trainers.grpo;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.layout.CompletionForest;
import org.attune.datasets.layout.TargetRange;
import org.attune.error.StopRequest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.tensor.TensorScope;
import org.attune.trainers.grpo.Normaliser.MicroBatchSize;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.rows.DeviceGroups;
import org.attune.trainers.rows.GroupNumbers;
import org.attune.trainers.rows.LastLayout;
import org.attune.trainers.rows.RowAt;
import org.attune.trainers.rows.RowGroups;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/// Adds the gradients of one optimizer step's loss. How the completions are grouped for computing
/// changes nothing: where tokens are chosen by what the policy says of a whole micro-batch, and a
/// step has several groups, these are measured before any gradient is taken.
final class GroupPass {
    private final GroupRun config;
    private final GroupLoss loss;
    private final CausalPolicy policy;
    private final RowGroups groups;
    private final RunContext context;
    private final IntFunction<String> origins;
    private final boolean comparesSampler;
    private final LogicalDevices devices;
    private long[] tokens = {};

    /// @param origins where a prompt comes from
    /// @param comparesSampler whether the sampler's log-probabilities should be the policy's
    /// @param devices among which completions are dealt; borrowed
    GroupPass(
            GroupRun config,
            GroupLoss loss,
            CausalPolicy policy,
            RowGroups groups,
            RunContext context,
            IntFunction<String> origins,
            boolean comparesSampler,
            LogicalDevices devices) {
        this.config = config;
        this.loss = loss;
        this.policy = policy;
        this.groups = groups;
        this.context = context;
        this.origins = origins;
        this.comparesSampler = comparesSampler;
        this.devices = devices;
    }

    /// The micro-batches of a step.
    ///
    /// @param step its number, from 0
    /// @param rows all its completions
    /// @param sizes of the micro-batches
    /// @param entropyCoefficient weight of the entropy bonus
    record Work(
            int step,
            List<RowAt<RolloutRow>> rows,
            List<MicroBatchSize> sizes,
            double entropyCoefficient) {
        HeadRequest request(GroupRun config) {
            return GroupLosses.request(config, entropyCoefficient != 0);
        }
    }

    /// @param totals of the step
    /// @return false if the context's signal stopped it on the way
    boolean add(Work work, StepTotals totals) {
        DeviceGroups<RowAt<RolloutRow>> cut =
                groups.dealtWhole(
                        devices,
                        work.rows(),
                        p -> p.row().tokens().sequences(),
                        p -> p.row().prompt());
        tokens =
                cut.tokens(
                        p ->
                                p.row().tokens().prompt().length
                                        + p.row().tokens().completion().length);
        var choices = new Choices(work);
        var layouts = new LastLayout<>(this::forest);
        boolean apart = choices.isNeeded() && (devices.areShared() || cut.all().size() > 1);
        if (apart && !measure(work, cut, layouts, choices)) {
            return false;
        }
        return cut.learn(
                policy,
                totals,
                new StepTotals(loss, work.sizes().size()),
                context.stop()::requested,
                (group, into) -> {
                    CompletionForest forest = timed(layouts, group);
                    try (var _ = TensorScope.open(config.method() + ".step");
                            Evaluation e = policy.evaluate(forest.forest(), work.request(config))) {
                        if (choices.isNeeded() && !apart) {
                            choices.note(group, forest, e.measurement());
                        }
                        Slopes slopes = slopes(group, forest, e.measurement(), work, choices, into);
                        e.backward(
                                slopes.logProbs(),
                                work.entropyCoefficient() == 0
                                        ? Map.of()
                                        : Map.of(HeadStatistic.ENTROPY, slopes.entropies()));
                        return GroupNumbers.of(e.measurement());
                    }
                },
                (group, said) ->
                        slopes(group, layouts.of(group), said.policy(), work, choices, totals));
    }

    /// Tokens of each device in the last step.
    long[] tokens() {
        return tokens.clone();
    }

    /// @return false if the context's signal stopped it on the way
    private boolean measure(
            Work work,
            DeviceGroups<RowAt<RolloutRow>> cut,
            LastLayout<RowAt<RolloutRow>, CompletionForest> layouts,
            Choices choices) {
        if (context.stop().requested()) {
            return false;
        }
        cut.measure(
                "chosen tokens",
                group -> {
                    StopRequest.check();
                    CompletionForest forest = timed(layouts, group);
                    try (var _ = TensorScope.open(config.method() + ".measure")) {
                        return GroupNumbers.of(
                                policy.measure(forest.forest(), work.request(config)));
                    }
                },
                (group, said) -> choices.note(group, layouts.of(group), said.policy()));
        return true;
    }

    private CompletionForest timed(
            LastLayout<RowAt<RolloutRow>, CompletionForest> layouts,
            List<RowAt<RolloutRow>> group) {
        return context.clock().timed("data", () -> layouts.of(group));
    }

    private CompletionForest forest(List<RowAt<RolloutRow>> group) {
        return CompletionForest.of(
                RowAt.rows(group).stream().map(RolloutRow::tokens).toList(), groups.shares());
    }

    /// Derivatives of the step's loss by log-probability and entropy of each target of a group,
    /// `(M)` each.
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Slopes(float[] logProbs, float[] entropies) {}

    private Slopes slopes(
            List<RowAt<RolloutRow>> group,
            CompletionForest forest,
            Measurement measured,
            Work work,
            Choices choices,
            StepTotals totals) {
        int targets = forest.forest().targetCount();
        var slopes = new Slopes(new float[targets], new float[targets]);
        for (int i = 0; i < group.size(); i++) {
            RowAt<RolloutRow> placed = group.get(i);
            RolloutRow row = placed.row();
            int m = placed.microBatch();
            TargetRange range = forest.completions().get(i);
            double[] entropy = range.of(measured.statistic(HeadStatistic.ENTROPY));
            CompletionScores scores = scores(placed, range.of(measured.tokenLogProbs()), choices);
            CompletionLoss.Result result = loss.completion().evaluate(scores);
            FiniteLoss.require(result.loss(), List.of(origins.apply(row.prompt())));
            double factor = loss.normaliser().factor(work.sizes().get(m), row.counted());
            double bonus = -work.entropyCoefficient() * choices.entropyShare(m);
            for (int t = 0; t < range.size(); t++) {
                int target = range.start() + t;
                slopes.logProbs()[target] = (float) (factor * result.slopes()[t]);
                slopes.entropies()[target] = (float) (bonus * choices.forEntropy(scores, t));
            }
            totals.add(m, scores, result, factor, entropy);
            totals.addEntropy(m, bonus, choices.forEntropy(scores), entropy);
            if (comparesSampler && !row.isElsewhere()) {
                totals.compareSampler(
                        m,
                        row.samplingLogProbs(),
                        scores.old().orElse(scores.policy()),
                        row.mask());
            }
        }
        return slopes;
    }

    private CompletionScores scores(RowAt<RolloutRow> placed, double[] policy, Choices choices) {
        RolloutRow row = placed.row();
        CompletionScores scores = choices.chosen(placed, row.scores(policy));
        double[] weights = new double[policy.length];
        Arrays.fill(weights, 1);
        loss.offPolicy().ifPresent(mask -> mask.apply(scores, sampling(row, scores), weights));
        boolean takesRatio =
                loss.completion() instanceof GrpoObjective g
                        && g.loss() instanceof PolicyLoss.Vespo;
        if (row.samplerRatio().isPresent() && !takesRatio) {
            float[] ratio = row.samplerRatio().get();
            for (int t = 0; t < weights.length; t++) {
                weights[t] *= ratio[ratio.length == 1 ? 0 : t];
            }
        }
        return scores.withWeights(weights);
    }

    /// Log-probabilities under what wrote a completion.
    private static double[] sampling(RolloutRow row, CompletionScores scores) {
        return row.isElsewhere()
                ? RolloutRow.doubles(row.samplingLogProbs())
                : scores.old().orElse(scores.policy());
    }

    /// The chosen tokens of a step, micro-batch by micro-batch.
    private final class Choices {
        private final Work work;
        private final CompletionScores[] scores;
        private final double[][] entropies;
        private int noted;
        private final Map<RowAt<RolloutRow>, boolean[]> chosen = new HashMap<>();

        Choices(Work work) {
            this.work = work;
            scores = new CompletionScores[work.rows().size()];
            entropies = new double[work.rows().size()][];
        }

        boolean isNeeded() {
            return loss.choice().isPresent();
        }

        /// Takes a group's numbers.
        void note(List<RowAt<RolloutRow>> group, CompletionForest forest, Measurement measured) {
            for (int i = 0; i < group.size(); i++) {
                TargetRange range = forest.completions().get(i);
                int place = group.get(i).position();
                scores[place] = group.get(i).row().scores(range.of(measured.tokenLogProbs()));
                entropies[place] = range.of(measured.statistic(HeadStatistic.ENTROPY));
                noted++;
            }
            if (noted == scores.length) {
                choose();
            }
        }

        private void choose() {
            int from = 0;
            for (int m = 0; m < work.sizes().size(); m++) {
                int to = from + work.sizes().get(m).rows();
                var draws =
                        RandomSource.XO_SHI_RO_256_PP.create(
                                new long[] {config.training().seed(), work.step(), m, 0x434f56});
                List<boolean[]> rows =
                        loss.choice()
                                .orElseThrow()
                                .of(
                                        Arrays.asList(scores).subList(from, to),
                                        Arrays.asList(entropies).subList(from, to),
                                        draws);
                for (int i = from; i < to; i++) {
                    chosen.put(work.rows().get(i), rows.get(i - from));
                }
                from = to;
            }
        }

        CompletionScores chosen(RowAt<RolloutRow> placed, CompletionScores scores) {
            return isNeeded() ? scores.withChosen(chosen.get(placed)) : scores;
        }

        /// What a token that the bonus is for has of the mean entropy, in the step's loss.
        double entropyShare(int microBatch) {
            MicroBatchSize size = work.sizes().get(microBatch);
            double tokens = size.tokens();
            if (isOfEntropy()) {
                tokens = 0;
                for (RowAt<RolloutRow> placed : work.rows()) {
                    boolean own = placed.microBatch() == microBatch;
                    for (boolean one : own ? chosen.get(placed) : new boolean[0]) {
                        tokens += one ? 1 : 0;
                    }
                }
            }
            return 1 / (Math.max(1, tokens) * size.accumulation());
        }

        private boolean isOfEntropy() {
            return loss.choice().filter(TokenChoice.TopEntropy.class::isInstance).isPresent();
        }

        /// 1 where the bonus is for a token, else 0.
        double forEntropy(CompletionScores row, int t) {
            return isOfEntropy() && !row.isChosen(t) ? 0 : row.mask()[t];
        }

        double[] forEntropy(CompletionScores row) {
            double[] all = new double[row.tokens()];
            Arrays.setAll(all, t -> forEntropy(row, t));
            return all;
        }
    }
}
