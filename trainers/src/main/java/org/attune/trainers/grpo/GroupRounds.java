package org.attune.trainers.grpo;

import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.layout.CompletionForest;
import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.reward.GroupedRewards;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.onpolicy.CompletionJudge.Judged;
import org.attune.trainers.onpolicy.CompletionMeasure;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.onpolicy.RoundsAhead;
import org.attune.trainers.onpolicy.WrittenRound;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.LongFunction;
import java.util.stream.IntStream;

/// Makes rounds to learn from: completions with their advantages, scored with the old policy and
/// the reference.
final class GroupRounds {
    private final GroupRun config;
    private final GroupLoss loss;
    private final Scorer policy;
    private final Optional<Scorer> reference;
    private final Rounds rounds;
    private final CompletionMeasure measure;
    private final HeadRequest request;
    private final GroupCorrection correction;
    private final Optional<RoundsAhead> ahead;

    /// @param reference needed where the divergence from it counts
    /// @param rounds borrowed
    /// @param measure by policy and reference; borrowed
    /// @param correction says how completions of another sampler are corrected
    /// @param ahead rounds that were written before; empty: each is written when it is asked for
    GroupRounds(
            GroupRun config,
            GroupLoss loss,
            Scorer policy,
            Optional<Scorer> reference,
            Rounds rounds,
            CompletionMeasure measure,
            GroupCorrection correction,
            Optional<RoundsAhead> ahead) {
        this.config = config;
        this.loss = loss;
        this.policy = policy;
        this.reference = reference;
        this.rounds = rounds;
        this.measure = measure;
        this.correction = correction;
        this.ahead = ahead;
        request = GroupLosses.plainRequest(config);
    }

    /// Completes prompts and has the completions judged.
    Rounds rounds() {
        return rounds;
    }

    /// Completes prompts for training.
    ///
    /// @param number of the round
    /// @param drawn batches of prompts that were completed for the rounds before
    /// @param kept groups of the rounds before
    /// @param promptsOf numbers of a batch's prompts in the data
    /// @param prompts the data
    /// @param scoreOld whether the policy may have changed before the round is used up
    Rounds.Made<RolloutRound> round(
            long number,
            long drawn,
            ReplayBuffer kept,
            LongFunction<int[]> promptsOf,
            List<PromptExample> prompts,
            boolean scoreOld) {
        int generations = config.generation().numGenerations();
        Optional<WrittenRound> written = ahead.map(rounds -> rounds.at(number));
        GroupSupply.Supplied supplied =
                written.map(round -> supplied(round, promptsOf))
                        .orElseGet(
                                () ->
                                        new GroupSupply(
                                                        rounds,
                                                        loss.refill(),
                                                        generations,
                                                        promptsOf,
                                                        prompts)
                                                .next(drawn));
        Judged judged = supplied.judged();
        int[] indices = supplied.indices();
        boolean elsewhere = supplied.elsewhere() && tellsLogProbs(judged);
        List<RolloutRow> rows = new ArrayList<>();
        for (int i = 0; i < judged.rows().size(); i++) {
            rows.add(row(judged, i, indices[i / generations], elsewhere));
        }
        if (supplied.elsewhere()) {
            correction.ofRound(elsewhere);
        }
        boolean corrects = elsewhere && loss.sampler().isPresent();
        if (written.isPresent()) {
            rows = withOld(rows, written.get());
        } else if (scoreOld || corrects || loss.advantages().readsDivergences()) {
            rows = scored(rows, policy, "old", RolloutRow::withOldLogProbs);
        }
        if (loss.beta() != 0) {
            rows =
                    scored(
                            rows,
                            reference.orElseThrow(),
                            "reference",
                            RolloutRow::withReferenceLogProbs);
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        if (corrects) {
            rows = rows.stream().map(this::weighted).toList();
            metrics.putAll(SamplerMetrics.of(rows, ofSequences()));
        }
        judged = estimated(judged, rows, indices, prompts, metrics);
        Replay replay = replay(number, advised(rows, judged), judged, kept);
        metrics.putAll(replay.metrics());
        metrics.putAll(judged.metrics());
        metrics.putAll(supplied.metrics());
        ahead.ifPresent(rounds -> metrics.putAll(rounds.metrics()));
        int[] order = used(number, judged);
        List<RolloutRow> ordered = Arrays.stream(order).mapToObj(replay.rows()::get).toList();
        return new Rounds.Made<>(
                new RolloutRound(number, supplied.drawn(), ordered, replay.buffer()),
                metrics,
                supplied.tokens(),
                judged.table());
    }

    private GroupSupply.Supplied supplied(WrittenRound round, LongFunction<int[]> promptsOf) {
        Judged judged = ahead.orElseThrow().judged(round);
        return new GroupSupply.Supplied(
                judged,
                promptsOf.apply(round.number()),
                round.number() + 1,
                false,
                judged.tokens(),
                Map.of());
    }

    private static List<RolloutRow> withOld(List<RolloutRow> rows, WrittenRound round) {
        float[][] old = round.old().orElseThrow();
        List<RolloutRow> scored = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            scored.add(rows.get(i).withOldLogProbs(old[i]));
        }
        return scored;
    }

    private Replay replay(long number, List<RolloutRow> rows, Judged judged, ReplayBuffer kept) {
        if (kept.size() == 0) {
            return Replay.none(rows, kept);
        }
        return Replay.of(
                rows,
                GroupedRewards.of(judged.table().rewards(), judged.table().generations()),
                kept,
                group ->
                        group.getFirst().oldLogProbs().isPresent()
                                ? group
                                : scored(group, policy, "old", RolloutRow::withOldLogProbs),
                config.training().seed(),
                number);
    }

    /// The order in which a round is used. The search for groups keeps its batches itself.
    private int[] used(long number, Judged judged) {
        int completions = judged.rows().size();
        if (loss.refill().dynamicSampling()) {
            return order(number, completions);
        }
        int[] order = rounds.order(number, () -> order(number, completions));
        rounds.keep(number, judged, order);
        return order;
    }

    private boolean ofSequences() {
        return loss.sampler().orElseThrow().vllmImportanceSamplingMode().isOfSequences();
    }

    private int judgedSize(int[] indices) {
        return indices.length * config.generation().numGenerations();
    }

    private static boolean tellsLogProbs(Judged judged) {
        for (SampledCompletion completion : judged.sampled()) {
            for (int t = 0; t < completion.ids().length; t++) {
                if (!completion.foreign().get(t) && !Float.isNaN(completion.logProbs()[t])) {
                    return true;
                }
            }
        }
        return false;
    }

    private RolloutRow weighted(RolloutRow row) {
        return row.withSamplerRatio(
                loss.sampler()
                        .orElseThrow()
                        .ratio(
                                row.oldLogProbs().orElseThrow(),
                                row.samplingLogProbs(),
                                row.mask()));
    }

    /// With the advantages of the run's own estimator.
    ///
    /// @param metrics takes those of the divergence
    private Judged estimated(
            Judged judged,
            List<RolloutRow> rows,
            int[] indices,
            List<PromptExample> prompts,
            Map<String, Double> metrics) {
        Optional<double[][]> divergences = Optional.empty();
        if (loss.advantages().readsDivergences()) {
            divergences = Optional.of(divergences(rows));
            metrics.put("kl", meanDivergence(rows, divergences.get()));
        }
        Optional<double[]> baselines =
                loss.advantages().readsBaselines()
                        ? Optional.of(baselines(indices, prompts))
                        : Optional.empty();
        return judged.with(
                loss.advantages()
                        .of(
                                new GroupedRewards(
                                        judged.table().rewards(),
                                        judged.table().generations(),
                                        rows.stream()
                                                .map(row -> RolloutRow.doubles(row.mask()))
                                                .toArray(double[][]::new),
                                        divergences,
                                        baselines,
                                        judged.turns())));
    }

    private static double[][] divergences(List<RolloutRow> rows) {
        double[][] all = new double[rows.size()][];
        for (int i = 0; i < all.length; i++) {
            float[] old = rows.get(i).oldLogProbs().orElseThrow();
            float[] reference = rows.get(i).referenceLogProbs().orElseThrow();
            all[i] = new double[old.length];
            for (int t = 0; t < old.length; t++) {
                all[i][t] = (double) old[t] - reference[t];
            }
        }
        return all;
    }

    private static double meanDivergence(List<RolloutRow> rows, double[][] divergences) {
        double sum = 0;
        double count = 0;
        for (int i = 0; i < divergences.length; i++) {
            float[] mask = rows.get(i).mask();
            for (int t = 0; t < mask.length; t++) {
                sum += mask[t] * divergences[i][t];
                count += mask[t];
            }
        }
        return sum / Math.max(1, count);
    }

    /// Of each completion.
    private double[] baselines(int[] indices, List<PromptExample> prompts) {
        double[] ofPrompts = rounds.greedyRewards(indices, prompts);
        double[] each = new double[judgedSize(indices)];
        Arrays.setAll(each, i -> ofPrompts[i / config.generation().numGenerations()]);
        return each;
    }

    private static List<RolloutRow> advised(List<RolloutRow> rows, Judged judged) {
        List<RolloutRow> advised = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            int row = i;
            advised.add(
                    judged.advantages()
                            .tokenValues()
                            .map(values -> rows.get(row).withTokenAdvantages(values[row]))
                            .orElse(rows.get(row))
                            .withAdvantage(judged.advantages().values()[i]));
        }
        return advised;
    }

    private RolloutRow row(Judged judged, int i, int prompt, boolean elsewhere) {
        SampledCompletion completion = judged.sampled().get(i);
        boolean masked =
                loss.masksTruncated() && !completion.reason().isFinished()
                        || config.agent().masks(completion);
        float[] mask = new float[completion.ids().length];
        for (int t = 0; t < mask.length; t++) {
            mask[t] = masked || completion.foreign().get(t) ? 0 : 1;
        }
        return new RolloutRow(
                prompt,
                judged.rows().get(i),
                completion.logProbs(),
                elsewhere,
                completion.isFailed(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                mask,
                0,
                Optional.empty());
    }

    /// @param phase under which the time is counted
    /// @param with how a row takes its log-probabilities
    private List<RolloutRow> scored(
            List<RolloutRow> rows,
            Scorer scorer,
            String phase,
            BiFunction<RolloutRow, float[], RolloutRow> with) {
        List<CompletionForest.Row> tokens = rows.stream().map(RolloutRow::tokens).toList();
        List<Measurement> measured = measure.of(tokens, scorer, request, phase);
        List<RolloutRow> scored = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            scored.add(with.apply(rows.get(i), measured.get(i).tokenLogProbs()));
        }
        return scored;
    }

    /// TRL shuffles a round before it cuts it into micro-batches, so that each has completions of
    /// many prompts. Recorded rounds have an order. Inside of a micro-batch neighbours keep
    /// theirs, since that lets them share a prompt and changes nothing else.
    private int[] order(long number, int completions) {
        int[] order = IntStream.range(0, completions).toArray();
        PermutationSampler.shuffle(
                RandomSource.XO_SHI_RO_256_PP.create(
                        new long[] {config.training().seed(), number, 0x5348_5546L, 1}),
                order);
        int size = config.training().batch().perDeviceTrainBatchSize();
        for (int from = 0; from < order.length; from += size) {
            Arrays.sort(order, from, Math.min(order.length, from + size));
        }
        return order;
    }
}
