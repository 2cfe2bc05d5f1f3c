package org.attune.trainers.preference;

import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.layout.PreferenceForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.MetricMeans;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.preference.PreferenceLoss.Denominators;
import org.attune.trainers.rows.RowValues;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The pairs of a step or an evaluation: the models' log-probabilities, group by group, and what
/// follows for loss, gradients and metrics.
///
/// The step's loss is the mean over its micro-batches of their means over pairs.
final class PairSums implements StepSums<PreferenceExample, PreferenceForest> {
    private final PreferenceObjective objective;
    private final double beta;
    private final boolean weighted;
    private final boolean together;
    private final List<MicroBatch> microBatches = new ArrayList<>();
    private long tokens;

    /// The sums of a logical micro-batch.
    private static final class MicroBatch {
        final Denominators whole;
        final List<PairTokens.Pair> pairs = new ArrayList<>();
        final List<String> origins = new ArrayList<>();
        final Map<Integer, Integer> placeOf = new LinkedHashMap<>();
        double loss;
        double entropy;
        double hits;
        double chosenLogits;
        double rejectedLogits;
        int chosenTokens;
        int rejectedTokens;
        PairScores scores;
        Slopes slopes;

        MicroBatch(Denominators whole) {
            this.whole = whole;
        }

        /// Adds the loss of some pairs.
        Slopes take(Slopes evaluated, List<String> pairOrigins) {
            FiniteLoss.require(evaluated.loss(), pairOrigins);
            loss += evaluated.loss();
            return evaluated;
        }
    }

    /// @param pairs all pairs
    /// @param count number of logical micro-batches
    /// @param together whether a micro-batch is evaluated as a whole, when all of its pairs were
    ///     noted; else each pair is evaluated alone
    PairSums(DpoObjective dpo, List<RowAt<PreferenceExample>> pairs, int count, boolean together) {
        objective = dpo.formula();
        beta = dpo.beta();
        weighted = dpo.weighted();
        this.together = together;
        int[] pairCounts = new int[count];
        int[] chosenTokens = new int[count];
        for (RowAt<PreferenceExample> pair : pairs) {
            pairCounts[pair.microBatch()]++;
            chosenTokens[pair.microBatch()] += pair.row().chosen().trainedTokens();
        }
        for (int m = 0; m < count; m++) {
            microBatches.add(new MicroBatch(new Denominators(pairCounts[m], chosenTokens[m])));
        }
    }

    @Override
    public boolean isWhole(List<RowAt<PreferenceExample>> group) {
        return !together;
    }

    @Override
    public HeadSlopes add(
            List<RowAt<PreferenceExample>> group,
            PreferenceForest forest,
            Measurement policy,
            List<double[]> reference) {
        note(group, forest, policy, reference);
        return slopes(group, forest, policy);
    }

    @Override
    public void note(
            List<RowAt<PreferenceExample>> group,
            PreferenceForest forest,
            Measurement policy,
            List<double[]> reference) {
        float[] entropy = policy.statistic(HeadStatistic.ENTROPY);
        float[] hits = policy.statistic(HeadStatistic.ARGMAX_HIT);
        float[] logits = policy.statistic(HeadStatistic.MEAN_LOGIT);
        for (int i = 0; i < group.size(); i++) {
            RowAt<PreferenceExample> pair = group.get(i);
            MicroBatch m = microBatches.get(pair.microBatch());
            TargetRange chosen = forest.chosen().get(i);
            TargetRange rejected = forest.rejected().get(i);
            m.placeOf.put(pair.position(), m.pairs.size());
            m.origins.addAll(pair.row().origins());
            double[] chosenLogProbs = chosen.of(policy.tokenLogProbs());
            double[] rejectedLogProbs = rejected.of(policy.tokenLogProbs());
            double weight = 1;
            if (weighted) {
                float[] squares = policy.statistic(HeadStatistic.LOG_SUM_SQUARED_PROBS);
                weight =
                        Wpo.weight(
                                chosenLogProbs,
                                chosen.of(squares),
                                rejectedLogProbs,
                                rejected.of(squares));
            }
            m.pairs.add(
                    new PairTokens.Pair(
                            chosenLogProbs, rejectedLogProbs, logProbs(reference.get(i)), weight));
            m.entropy += sum(entropy, chosen) + sum(entropy, rejected);
            m.hits += sum(hits, chosen);
            m.chosenLogits += sum(logits, chosen);
            m.rejectedLogits += sum(logits, rejected);
            m.chosenTokens += chosen.size();
            m.rejectedTokens += rejected.size();
            tokens += pair.row().length();
            if (together && m.pairs.size() == m.whole.pairs()) {
                m.scores = objective.scores(new PairTokens(m.pairs));
                m.slopes = m.take(objective.evaluate(m.scores, m.whole), m.origins);
            }
        }
    }

    private static ReferenceLogProbs logProbs(double[] columns) {
        return new ReferenceLogProbs(columns[0], columns[1]);
    }

    @Override
    public HeadSlopes slopes(
            List<RowAt<PreferenceExample>> group, PreferenceForest forest, Measurement policy) {
        float[] slopes = new float[forest.forest().targetCount()];
        for (int i = 0; i < group.size(); i++) {
            RowAt<PreferenceExample> pair = group.get(i);
            MicroBatch m = microBatches.get(pair.microBatch());
            int place = m.placeOf.get(pair.position());
            PairScores scores = together ? m.scores : scoresOf(m, place);
            Slopes s =
                    together
                            ? m.slopes
                            : m.take(objective.evaluate(scores, m.whole), pair.row().origins());
            int at = together ? place : 0;
            TargetRange chosen = forest.chosen().get(i);
            TargetRange rejected = forest.rejected().get(i);
            for (int t = 0; t < chosen.size(); t++) {
                slopes[chosen.start() + t] = share(objective.chosenToken(s, scores, at, t));
            }
            for (int t = 0; t < rejected.size(); t++) {
                slopes[rejected.start() + t] = share(objective.rejectedToken(s, scores, at, t));
            }
        }
        return HeadSlopes.of(slopes);
    }

    private PairScores scoresOf(MicroBatch m, int place) {
        return objective.scores(new PairTokens(List.of(m.pairs.get(place))));
    }

    private float share(double slope) {
        return (float) (slope / microBatches.size());
    }

    /// A step.
    @Override
    public StepReport step() {
        double loss = 0;
        List<Map<String, Double>> metrics = new ArrayList<>();
        for (MicroBatch m : microBatches) {
            loss += m.loss / microBatches.size();
            metrics.add(metrics(m));
        }
        return new StepReport(loss, metrics, tokens);
    }

    /// An evaluation whose batches are the micro-batches: the loss is the mean over pairs, the
    /// other metrics are plain means of the batches', as in TRL.
    @Override
    public Map<String, Double> evaluation() {
        double loss = 0;
        double preferred = 0;
        int count = 0;
        var means = new MetricMeans();
        for (MicroBatch m : microBatches) {
            loss += m.loss * m.pairs.size();
            count += m.pairs.size();
            means.add(metrics(m));
            preferred += preferred(objective.scores(new PairTokens(m.pairs)));
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, loss / count);
        metrics.putAll(means.means());
        metrics.put(MetricKeys.PREFERENCE_ACCURACY, preferred / count);
        return metrics;
    }

    @Override
    public List<Map<String, Double>> evaluatedRows() {
        var found = new RowValues();
        for (MicroBatch m : microBatches) {
            PairScores scores = objective.scores(new PairTokens(m.pairs));
            m.placeOf.forEach(
                    (position, place) -> {
                        found.pair(
                                position,
                                beta * scores.chosenLogRatio(place),
                                beta * scores.rejectedLogRatio(place));
                        double chosen = scores.policyChosen()[place];
                        found.put(position, MetricKeys.LOGPS_CHOSEN, chosen);
                        double rejected = scores.policyRejected()[place];
                        found.put(position, MetricKeys.LOGPS_REJECTED, rejected);
                    });
        }
        return found.inOrder();
    }

    private static double preferred(PairScores scores) {
        double preferred = 0;
        for (int i = 0; i < scores.size(); i++) {
            double chosen = scores.policyChosen()[i] - scores.referenceChosen()[i];
            double rejected = scores.policyRejected()[i] - scores.referenceRejected()[i];
            preferred += chosen > rejected ? 1 : chosen == rejected ? 0.5 : 0;
        }
        return preferred;
    }

    private Map<String, Double> metrics(MicroBatch m) {
        PairMetrics pairs = PairMetrics.of(objective.scores(new PairTokens(m.pairs)), beta);
        int chosen = Math.max(1, m.chosenTokens);
        int rejected = Math.max(1, m.rejectedTokens);
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.ENTROPY, m.entropy / Math.max(1, m.chosenTokens + m.rejectedTokens));
        metrics.put(MetricKeys.LOGITS_CHOSEN, m.chosenLogits / chosen);
        metrics.put(MetricKeys.LOGITS_REJECTED, m.rejectedLogits / rejected);
        metrics.put(MetricKeys.MEAN_TOKEN_ACCURACY, m.hits / chosen);
        metrics.put(MetricKeys.REWARDS_CHOSEN, pairs.rewardsChosen());
        metrics.put(MetricKeys.REWARDS_REJECTED, pairs.rewardsRejected());
        metrics.put(MetricKeys.REWARDS_ACCURACIES, pairs.rewardsAccuracies());
        metrics.put(MetricKeys.REWARDS_MARGINS, pairs.rewardsMargins());
        metrics.put(MetricKeys.LOGPS_CHOSEN, pairs.logpsChosen());
        metrics.put(MetricKeys.LOGPS_REJECTED, pairs.logpsRejected());
        return metrics;
    }

    private static double sum(float[] values, TargetRange range) {
        double sum = 0;
        for (int t = range.start(); t < range.end(); t++) {
            sum += values[t];
        }
        return sum;
    }
}
