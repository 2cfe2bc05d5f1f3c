package org.attune.trainers.grpo;

import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.reward.Advantages;
import org.attune.reward.GroupedRewards;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.onpolicy.JudgedCompletions;
import org.attune.trainers.onpolicy.JudgedRounds;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.WrittenRound;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.IntStream;

/// Makes rounds to learn from: completions with their advantages, scored with the old policy and
/// the reference.
final class GroupRounds {
    private final GroupRun config;
    private final GroupLoss loss;
    private final JudgedRounds judged;
    private final RoundPlan plan;
    private final HeadRequest request;
    private final GroupCorrection correction;
    private final Optional<OptimalValues> values;

    /// @param judged borrowed
    /// @param correction says how completions of another sampler are corrected
    /// @param values of prompts, with which completions are compared where there are some
    GroupRounds(
            GroupRun config,
            GroupLoss loss,
            JudgedRounds judged,
            GroupCorrection correction,
            Optional<OptimalValues> values) {
        this.values = values;
        this.config = config;
        this.loss = loss;
        this.judged = judged;
        this.correction = correction;
        plan = judged.plan();
        request = GroupLosses.plainRequest(config);
    }

    /// A round with its report.
    ///
    /// @param round to learn from
    /// @param metrics of rewards and completions, finite
    /// @param tokens of prompts and the model's own of completions, a shared prompt counted for
    ///     each completion
    /// @param table completions with their rewards, for those who watch
    record NewRound(
            RolloutRound round, Map<String, Double> metrics, long tokens, CompletionTable table) {}

    /// Completes prompts for training.
    ///
    /// @param number of the round
    /// @param drawn batches of prompts that were completed for the rounds before
    /// @param kept groups of the rounds before
    NewRound round(long number, long drawn, ReplayBuffer kept) {
        int generations = config.numGenerations();
        Optional<WrittenRound> written = judged.ahead().map(rounds -> rounds.at(number));
        GroupSupply.Supplied supplied =
                written.map(this::supplied).orElseGet(() -> supplied(drawn));
        JudgedCompletions completed = supplied.judged();
        int[] indices = supplied.indices();
        boolean elsewhere = supplied.elsewhere() && tellsLogProbs(completed);
        List<RolloutRow> rows = new ArrayList<>();
        for (int i = 0; i < completed.rows().size(); i++) {
            rows.add(row(completed, i, indices[i / generations], elsewhere));
        }
        if (supplied.elsewhere()) {
            correction.ofRound(elsewhere);
        }
        boolean corrects = elsewhere && loss.sampler().isPresent();
        boolean needsOld =
                !plan.staysOnPolicy() || corrects || loss.advantages().readsDivergences();
        Optional<double[][]> energies = Optional.empty();
        if (loss.advantages().readsEnergies()) {
            List<Measurement> measured =
                    measured(rows, judged.means().policy(), energyRequest(), "old");
            energies = Optional.of(energies(measured));
            rows = needsOld ? with(rows, measured, RolloutRow::withOldLogProbs) : rows;
        } else if (written.isPresent()) {
            rows = withOld(rows, written.get());
        } else if (needsOld) {
            rows = scored(rows, judged.means().policy(), "old", RolloutRow::withOldLogProbs);
        }
        if (loss.beta() != 0) {
            rows =
                    scored(
                            rows,
                            judged.reference().orElseThrow(),
                            "reference",
                            RolloutRow::withReferenceLogProbs);
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        if (corrects) {
            rows = rows.stream().map(this::weighted).toList();
            metrics.putAll(SamplerMetrics.of(rows, ofSequences()));
        }
        Advantages advantages = estimated(completed, rows, indices, energies, metrics);
        JudgedCompletions shown = completed.shown(advantages);
        Replay replay = replay(number, advised(rows, advantages), shown, kept);
        metrics.putAll(replay.metrics());
        metrics.putAll(shown.metrics());
        metrics.putAll(supplied.metrics());
        metrics.putAll(MaskMetrics.of(rows));
        judged.ahead().ifPresent(rounds -> metrics.putAll(rounds.metrics()));
        int[] order = used(number, shown);
        List<RolloutRow> ordered = Arrays.stream(order).mapToObj(replay.rows()::get).toList();
        return new NewRound(
                new RolloutRound(number, supplied.drawn(), ordered, replay.buffer()),
                metrics,
                supplied.tokens(),
                shown.table());
    }

    private GroupSupply.Supplied supplied(long drawn) {
        return new GroupSupply(judged, loss.refill(), values).next(drawn);
    }

    private GroupSupply.Supplied supplied(WrittenRound round) {
        JudgedCompletions completed = judged.ahead().orElseThrow().judged(round);
        return new GroupSupply.Supplied(
                completed,
                round.prompts(),
                round.number() + 1,
                false,
                completed.tokens(),
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

    private Replay replay(
            long number, List<RolloutRow> rows, JudgedCompletions completed, ReplayBuffer kept) {
        if (kept.size() == 0) {
            return Replay.none(rows, kept);
        }
        return Replay.of(
                rows,
                GroupedRewards.of(completed.table().rewards(), completed.table().generations()),
                kept,
                group ->
                        group.getFirst().oldLogProbs().isPresent()
                                ? group
                                : scored(
                                        group,
                                        judged.means().policy(),
                                        "old",
                                        RolloutRow::withOldLogProbs),
                config.training().seed(),
                number);
    }

    /// The order in which a round is used. The search for groups keeps its batches itself.
    private int[] used(long number, JudgedCompletions round) {
        int completions = round.rows().size();
        if (loss.refill().dynamicSampling()) {
            return order(number, completions);
        }
        int[] order = judged.rounds().order(number, () -> order(number, completions));
        judged.rounds().keep(number, round, order);
        return order;
    }

    private boolean ofSequences() {
        return loss.sampler().orElseThrow().vllmImportanceSamplingMode().isOfSequences();
    }

    private static boolean tellsLogProbs(JudgedCompletions judged) {
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

    /// Advantages by the run's estimator.
    ///
    /// @param energies as it reads them
    /// @param metrics takes those of the divergence
    private Advantages estimated(
            JudgedCompletions completed,
            List<RolloutRow> rows,
            int[] indices,
            Optional<double[][]> energies,
            Map<String, Double> metrics) {
        Optional<double[][]> divergences = Optional.empty();
        if (loss.advantages().readsDivergences()) {
            divergences = Optional.of(divergences(rows));
            metrics.put("kl", meanDivergence(rows, divergences.get()));
        }
        values.ifPresent(v -> metrics.put("v_star", v.mean(indices)));
        Optional<double[]> baselines =
                loss.advantages().readsBaselines()
                        ? Optional.of(baselines(indices))
                        : Optional.empty();
        return loss.advantages()
                .of(
                        new GroupedRewards(
                                completed.table().rewards(),
                                completed.table().generations(),
                                rows.stream()
                                        .map(row -> RolloutRow.doubles(row.mask()))
                                        .toArray(double[][]::new),
                                divergences,
                                baselines,
                                energies,
                                completed.turns(),
                                completed.sampled().stream()
                                        .map(SampledCompletion::episode)
                                        .toList()));
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

    /// The baseline of each completion: its prompt's value, or the reward of the greedy one.
    private double[] baselines(int[] indices) {
        double[] ofPrompts =
                values.map(v -> Arrays.stream(indices).mapToDouble(v::value).toArray())
                        .orElseGet(() -> judged.rounds().greedyRewards(indices, judged.prompts()));
        int generations = config.numGenerations();
        double[] each = new double[indices.length * generations];
        Arrays.setAll(each, i -> ofPrompts[i / generations]);
        return each;
    }

    private static List<RolloutRow> advised(List<RolloutRow> rows, Advantages advantages) {
        List<RolloutRow> advised = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            int row = i;
            advised.add(
                    advantages
                            .tokenValues()
                            .map(values -> rows.get(row).withTokenAdvantages(values[row]))
                            .orElse(rows.get(row))
                            .withAdvantage(advantages.values()[i]));
        }
        return advised;
    }

    private RolloutRow row(JudgedCompletions judged, int i, int prompt, boolean elsewhere) {
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
        return with(rows, measured(rows, scorer, request, phase), with);
    }

    private List<Measurement> measured(
            List<RolloutRow> rows, Scorer scorer, HeadRequest asked, String phase) {
        List<CompletionForest.Row> tokens = rows.stream().map(RolloutRow::tokens).toList();
        return judged.measure().of(tokens, scorer, asked, phase);
    }

    private HeadRequest energyRequest() {
        return new HeadRequest(Set.of(HeadStatistic.LOG_SUM_SQUARED_PROBS), request.temperature());
    }

    /// `1 − 2 π + Σ π²` of each token.
    private static double[][] energies(List<Measurement> measured) {
        double[][] energies = new double[measured.size()][];
        for (int i = 0; i < energies.length; i++) {
            float[] logProbs = measured.get(i).tokenLogProbs();
            float[] squares = measured.get(i).statistic(HeadStatistic.LOG_SUM_SQUARED_PROBS);
            energies[i] = new double[logProbs.length];
            for (int t = 0; t < logProbs.length; t++) {
                energies[i][t] = 1 - 2 * Math.exp(logProbs[t]) + Math.exp(squares[t]);
            }
        }
        return energies;
    }

    private static List<RolloutRow> with(
            List<RolloutRow> rows,
            List<Measurement> measured,
            BiFunction<RolloutRow, float[], RolloutRow> with) {
        List<RolloutRow> scored = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            scored.add(with.apply(rows.get(i), measured.get(i).tokenLogProbs()));
        }
        return scored;
    }

    /// TRL shuffles a round before it cuts it into micro-batches, so that each has completions of
    /// many prompts. Recorded rounds have an order. Inside of a micro-batch neighbours keep
    /// theirs, since that lets them share a prompt and changes nothing else. Where a loss compares
    /// completions of a prompt, whole groups are shuffled.
    private int[] order(long number, int completions) {
        boolean whole = loss.completion() instanceof RewardLabels; // groups stay together
        int size = whole ? config.numGenerations() : 1;
        int[] units = IntStream.range(0, completions / size).toArray();
        PermutationSampler.shuffle(
                RandomSource.XO_SHI_RO_256_PP.create(
                        new long[] {config.training().seed(), number, 0x5348_5546L, 1}),
                units);
        int[] order =
                Arrays.stream(units)
                        .flatMap(unit -> IntStream.range(unit * size, (unit + 1) * size))
                        .toArray();
        int rows = config.training().batch().perDeviceTrainBatchSize();
        for (int from = 0; from < order.length; from += rows) {
            Arrays.sort(order, from, Math.min(order.length, from + rows));
        }
        return order;
    }
}
