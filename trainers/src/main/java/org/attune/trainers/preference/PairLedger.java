package org.attune.trainers.preference;

import org.attune.datasets.examples.PreferenceExample;
import org.attune.datasets.layout.PreferenceForest;
import org.attune.datasets.layout.TargetRange;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.MetricMeans;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.preference.PreferenceLoss.Denominators;
import org.attune.trainers.rows.RowAt;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The pairs of a step or an evaluation: what the models say of them, group by group, and what
/// follows for loss, gradients and metrics.
///
/// The step's loss is the mean over its micro-batches of their means over pairs.
final class PairLedger {
    private final PreferenceObjective objective;
    private final double beta;
    private final boolean weighted;
    private final List<MicroBatch> microBatches = new ArrayList<>();
    private long tokens;

    /// One logical micro-batch.
    private static final class MicroBatch {
        final Denominators whole;
        final List<PairTokens.Pair> pairs = new ArrayList<>();
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
    }

    /// @param weighted whether pairs are weighted by WPO; the measurements then need
    ///     `LOG_SUM_SQUARED_PROBS`
    /// @param pairs all pairs of the step
    /// @param count number of logical micro-batches
    PairLedger(
            PreferenceObjective objective,
            double beta,
            boolean weighted,
            List<RowAt<PreferenceExample>> pairs,
            int count) {
        this.objective = objective;
        this.beta = beta;
        this.weighted = weighted;
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

    /// Notes what the models say of a group of pairs.
    ///
    /// @throws org.attune.error.TrainingDivergedException if a log-probability isn't finite
    void add(
            List<RowAt<PreferenceExample>> group,
            PreferenceForest forest,
            Measurement policy,
            List<ReferenceLogProbs> reference) {
        float[] entropy = policy.statistic(HeadStatistic.ENTROPY);
        float[] hits = policy.statistic(HeadStatistic.ARGMAX_HIT);
        float[] logits = policy.statistic(HeadStatistic.MEAN_LOGIT);
        for (int i = 0; i < group.size(); i++) {
            RowAt<PreferenceExample> pair = group.get(i);
            MicroBatch m = microBatches.get(pair.microBatch());
            TargetRange chosen = forest.chosen().get(i);
            TargetRange rejected = forest.rejected().get(i);
            m.placeOf.put(pair.position(), m.pairs.size());
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
                            chosenLogProbs, rejectedLogProbs, reference.get(i), weight));
            m.entropy += sum(entropy, chosen) + sum(entropy, rejected);
            m.hits += sum(hits, chosen);
            m.chosenLogits += sum(logits, chosen);
            m.rejectedLogits += sum(logits, rejected);
            m.chosenTokens += chosen.size();
            m.rejectedTokens += rejected.size();
            tokens += pair.row().length();
        }
    }

    /// Derivative of the step's loss by the log-probability of each target of a group that was
    /// added, `(M)`.
    ///
    /// @param coupled whether all pairs of the step were added, and are evaluated together; else
    ///     each pair is evaluated alone
    /// @throws org.attune.error.TrainingDivergedException if a pair's loss isn't finite
    float[] slopes(List<RowAt<PreferenceExample>> group, PreferenceForest forest, boolean coupled) {
        float[] slopes = new float[forest.forest().targetCount()];
        for (int i = 0; i < group.size(); i++) {
            RowAt<PreferenceExample> pair = group.get(i);
            MicroBatch m = microBatches.get(pair.microBatch());
            int place = m.placeOf.get(pair.position());
            PairScores scores = coupled ? m.scores : scoresOf(m, place);
            Slopes s = coupled ? m.slopes : evaluate(m, scores, List.of(pair));
            int at = coupled ? place : 0;
            TargetRange chosen = forest.chosen().get(i);
            TargetRange rejected = forest.rejected().get(i);
            for (int t = 0; t < chosen.size(); t++) {
                slopes[chosen.start() + t] = share(objective.chosenToken(s, scores, at, t));
            }
            for (int t = 0; t < rejected.size(); t++) {
                slopes[rejected.start() + t] = share(objective.rejectedToken(s, scores, at, t));
            }
        }
        return slopes;
    }

    /// Evaluates whole micro-batches, after all pairs were added.
    void evaluateTogether(List<RowAt<PreferenceExample>> pairs) {
        for (int i = 0; i < microBatches.size(); i++) {
            MicroBatch m = microBatches.get(i);
            int number = i;
            m.scores = objective.scores(new PairTokens(m.pairs));
            m.slopes =
                    evaluate(
                            m,
                            m.scores,
                            pairs.stream().filter(p -> p.microBatch() == number).toList());
        }
    }

    private PairScores scoresOf(MicroBatch m, int place) {
        return objective.scores(new PairTokens(List.of(m.pairs.get(place))));
    }

    private Slopes evaluate(MicroBatch m, PairScores scores, List<RowAt<PreferenceExample>> pairs) {
        Slopes slopes = objective.evaluate(scores, m.whole);
        FiniteLoss.require(
                slopes.loss(), pairs.stream().map(p -> p.row().origin().where()).toList());
        m.loss += slopes.loss();
        return slopes;
    }

    private float share(double slope) {
        return (float) (slope / microBatches.size());
    }

    /// A step.
    StepReport step() {
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
    Map<String, Double> evaluation() {
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
