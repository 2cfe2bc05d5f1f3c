package org.attune.trainers.online;

import org.attune.datasets.layout.CompletionForest;
import org.attune.datasets.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.rows.RowAt;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Loss and metrics of a step, summed up group by group: the mean over the micro-batches of the
/// means over their pairs.
final class OnlineSums {
    private final OnlineObjective objective;
    private final int[] pairs;
    private final double[] losses;
    private final Map<String, double[]> sums = new LinkedHashMap<>();

    /// @param pairs of each micro-batch
    OnlineSums(OnlineObjective objective, int[] pairs) {
        this.objective = objective;
        this.pairs = pairs.clone();
        losses = new double[pairs.length];
    }

    /// Adds a group of pairs.
    ///
    /// @param forest the completions that are learned, pair by pair
    /// @param policy log-probability of each target, `(M)`
    /// @param reference likewise
    /// @return derivative of the step's loss by each of the policy's, `(M)`
    /// @throws org.attune.error.TrainingDivergedException if a pair's loss isn't finite
    float[] add(
            List<RowAt<JudgedPair>> group,
            CompletionForest forest,
            float[] policy,
            float[] reference) {
        float[] slopes = new float[policy.length];
        int at = 0;
        for (RowAt<JudgedPair> placed : group) {
            JudgedPair pair = placed.row();
            int m = placed.microBatch();
            int count = objective.learned(pair).size();
            List<TargetRange> ranges = forest.completions().subList(at, at + count);
            at += count;
            OnlineObjective.Result result =
                    objective.of(pair, parts(ranges, policy), parts(ranges, reference));
            FiniteLoss.require(result.loss(), List.of(pair.origin().where()));
            losses[m] += result.loss() / pairs[m] / pairs.length;
            for (int i = 0; i < count; i++) {
                for (int t = 0; t < ranges.get(i).size(); t++) {
                    slopes[ranges.get(i).start() + t] =
                            (float) (result.slopes().get(i)[t] / pairs[m] / pairs.length);
                }
            }
            result.metrics().forEach((key, value) -> put(m, key, value));
        }
        return slopes;
    }

    private static List<double[]> parts(List<TargetRange> ranges, float[] values) {
        return ranges.stream().map(range -> range.of(values)).toList();
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
