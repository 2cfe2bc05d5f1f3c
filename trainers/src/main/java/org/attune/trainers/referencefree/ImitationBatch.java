package org.attune.trainers.referencefree;

import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.numerics.Dual;

import java.util.LinkedHashMap;
import java.util.Map;

/// Sums over the pairs of one logical micro-batch.
final class ImitationBatch {
    int pairs; // that it will have
    int imitatedTokens; // likewise
    double loss;
    double nll;
    double right;
    double ties;
    private final Side chosen = new Side();
    private final Side rejected = new Side();
    private double logOdds = Double.NaN;
    private double logSigmoidOdds;
    private double entropy;
    private double hits;
    private int thirdTokens;

    /// Sums over one side of the pairs.
    private static final class Side {
        double reward;
        double logProb;
        double logits;
        long logitCount;
        int tokens;

        double meanLogit() {
            return logits / Math.max(1, logitCount);
        }
    }

    /// What means over imitated tokens divide by.
    int imitatedTokens() {
        return Math.max(1, imitatedTokens);
    }

    /// The micro-batch's loss.
    ///
    /// @param weight of the negative log-likelihood; with 0 that isn't looked at
    double loss(double weight) {
        return loss / pairs + (weight == 0 ? 0 : weight * nll / imitatedTokens());
    }

    void add(PairLoss formula, double logChosen, double logRejected) {
        double better = formula.reward(logChosen);
        double worse = formula.reward(logRejected);
        chosen.reward += better;
        rejected.reward += worse;
        right += better > worse ? 1 : 0;
        ties += better == worse ? 1 : 0;
        chosen.logProb += logChosen;
        rejected.logProb += logRejected;
        if (formula instanceof PairLoss.OddsRatio odds) {
            Dual ratio = odds.logOdds(Dual.chosen(logChosen), Dual.rejected(logRejected));
            logOdds = (Double.isNaN(logOdds) ? 0 : logOdds) + ratio.value();
            logSigmoidOdds += ratio.logSigmoid().value();
        }
    }

    void addTokens(Measurement policy, TargetRange better, TargetRange worse) {
        chosen.tokens += better.size();
        rejected.tokens += worse.size();
        float[] entropies = policy.statistic(HeadStatistic.ENTROPY);
        entropy += sum(entropies, better) + sum(entropies, worse);
        hits += sum(policy.statistic(HeadStatistic.ARGMAX_HIT), better);
        float[] logits = policy.statistics().get(HeadStatistic.MEAN_LOGIT);
        if (logits != null) {
            chosen.logits += sum(logits, better);
            rejected.logits += sum(logits, worse);
            chosen.logitCount += better.size();
            rejected.logitCount += worse.size();
        }
    }

    /// A third answer, whose tokens count in the entropy too.
    void addThird(Measurement policy, TargetRange answer) {
        entropy += sum(policy.statistic(HeadStatistic.ENTROPY), answer);
        thirdTokens += answer.size();
    }

    /// @param sums of the mean logits of chosen and rejected side
    /// @param positions of each
    void addLogits(double[] sums, int positions) {
        chosen.logits += sums[0];
        rejected.logits += sums[1];
        chosen.logitCount += positions;
        rejected.logitCount += positions;
    }

    Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        int tokens = Math.max(1, chosen.tokens + rejected.tokens + thirdTokens);
        metrics.put(MetricKeys.ENTROPY, entropy / tokens);
        metrics.put(MetricKeys.LOGITS_CHOSEN, chosen.meanLogit());
        metrics.put(MetricKeys.LOGITS_REJECTED, rejected.meanLogit());
        metrics.put(MetricKeys.MEAN_TOKEN_ACCURACY, hits / Math.max(1, chosen.tokens));
        metrics.put(MetricKeys.REWARDS_CHOSEN, chosen.reward / pairs);
        metrics.put(MetricKeys.REWARDS_REJECTED, rejected.reward / pairs);
        metrics.put(MetricKeys.REWARDS_ACCURACIES, right / pairs);
        metrics.put(MetricKeys.REWARDS_MARGINS, (chosen.reward - rejected.reward) / pairs);
        metrics.put(MetricKeys.LOGPS_CHOSEN, chosen.logProb / pairs);
        metrics.put(MetricKeys.LOGPS_REJECTED, rejected.logProb / pairs);
        if (!Double.isNaN(logOdds)) {
            metrics.put(MetricKeys.LOG_ODDS_RATIO, logSigmoidOdds / pairs);
            metrics.put(MetricKeys.LOG_ODDS_CHOSEN, logOdds / pairs);
        }
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
