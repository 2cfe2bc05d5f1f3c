package org.attune.trainers.online;

import org.attune.datasets.layout.PreferenceForest;
import org.attune.datasets.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.rows.RowAt;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Loss and metrics of a step, summed up group by group: the mean over the micro-batches of the
/// means over their pairs.
final class OnlinePairSums {
    private final OnlinePairLoss loss;
    private final double beta;
    private final int[] pairs;
    private final double[] losses;
    private final Map<String, double[]> sums = new LinkedHashMap<>();

    /// @param pairs of each micro-batch
    OnlinePairSums(OnlinePairLoss loss, double beta, int[] pairs) {
        this.loss = loss;
        this.beta = beta;
        this.pairs = pairs.clone();
        losses = new double[pairs.length];
    }

    /// Adds a group of pairs.
    ///
    /// @param policy log-probability of each target, `(M)`
    /// @param reference likewise
    /// @return derivative of the step's loss by each of the policy's, `(M)`
    /// @throws org.attune.error.TrainingDivergedException if a pair's loss isn't finite
    float[] add(
            List<RowAt<JudgedPair>> group,
            PreferenceForest forest,
            float[] policy,
            float[] reference) {
        float[] slopes = new float[policy.length];
        for (int i = 0; i < group.size(); i++) {
            JudgedPair pair = group.get(i).row();
            int m = group.get(i).microBatch();
            TargetRange chosen = forest.chosen().get(i);
            TargetRange rejected = forest.rejected().get(i);
            double own = sum(policy, chosen);
            double other = sum(policy, rejected);
            double chosenRatio = own - sum(reference, chosen);
            double rejectedRatio = other - sum(reference, rejected);
            OnlinePairLoss.Value value = loss.of(chosenRatio - rejectedRatio);
            FiniteLoss.require(value.loss(), pair.tokens().origins());
            losses[m] += value.loss() / pairs[m] / pairs.length;
            double slope = value.slope() / pairs[m] / pairs.length;
            Arrays.fill(slopes, chosen.start(), chosen.end(), (float) slope);
            Arrays.fill(slopes, rejected.start(), rejected.end(), (float) -slope);
            note(m, pair, own, other, chosenRatio, rejectedRatio);
        }
        return slopes;
    }

    private static double sum(float[] values, TargetRange range) {
        double sum = 0;
        for (int t = range.start(); t < range.end(); t++) {
            sum += values[t];
        }
        return sum;
    }

    /// TRL's metrics. Sums over a completion's tokens, where TRL's `objective/*` also have those of
    /// padding.
    private void note(
            int m,
            JudgedPair pair,
            double own,
            double other,
            double chosenRatio,
            double rejectedRatio) {
        double kl = (chosenRatio + rejectedRatio) / 2;
        double score = (pair.chosenReward() + pair.rejectedReward()) / 2;
        put(m, "objective/scores_margin", pair.chosenReward() - pair.rejectedReward());
        put(m, "objective/scores", score);
        put(m, "val/contain_eos_token", pair.ended() / 2.0);
        put(m, MetricKeys.LOGPS_CHOSEN, own);
        put(m, MetricKeys.LOGPS_REJECTED, other);
        put(m, "objective/kl", kl);
        put(m, "objective/non_score_reward", -beta * kl);
        put(m, "objective/rlhf_reward", score - beta * kl);
        put(m, "objective/entropy", -(own + other) / 2);
        put(m, MetricKeys.REWARDS_CHOSEN, beta * chosenRatio);
        put(m, MetricKeys.REWARDS_REJECTED, beta * rejectedRatio);
        put(m, MetricKeys.REWARDS_MARGINS, beta * (chosenRatio - rejectedRatio));
        put(m, MetricKeys.REWARDS_ACCURACIES, chosenRatio > rejectedRatio ? 1 : 0);
        put(m, "beta", beta);
    }

    private void put(int m, String key, double value) {
        sums.computeIfAbsent(key, _ -> new double[pairs.length])[m] += value;
    }

    double loss() {
        return Arrays.stream(losses).sum();
    }

    /// Means over the pairs of a micro-batch; empty if it has none.
    Map<String, Double> metrics(int m) {
        Map<String, Double> means = new LinkedHashMap<>();
        if (pairs[m] > 0) {
            sums.forEach((key, values) -> means.put(key, values[m] / pairs[m]));
        }
        return means;
    }
}
