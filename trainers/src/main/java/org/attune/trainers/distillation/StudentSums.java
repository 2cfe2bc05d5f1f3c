package org.attune.trainers.distillation;

import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.MetricMeans;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Loss and metrics of a step or an evaluation, summed up group by group.
/// ```
/// loss = Σ over the tokens that count of D(teacher, student) / denominator
/// ```
final class StudentSums implements StepSums<StudentRow, CompletionForest> {
    private final double denominator;
    private final long tokens;
    private final double[] divergences;
    private final double[] entropies;
    private final int[] counted;
    private final int[] rows;

    /// @param microBatches number of logical micro-batches, ≥ 1
    /// @param denominator by which the sum over tokens is divided, > 0
    /// @param tokens of the step's prompts and completions
    StudentSums(int microBatches, double denominator, long tokens) {
        this.denominator = denominator;
        this.tokens = tokens;
        divergences = new double[microBatches];
        entropies = new double[microBatches];
        counted = new int[microBatches];
        rows = new int[microBatches];
    }

    /// Adds a group's divergences; the derivatives are by each target's divergence.
    @Override
    public HeadSlopes add(
            List<RowAt<StudentRow>> group,
            CompletionForest forest,
            Measurement measured,
            List<double[]> reference) {
        float[] divergence = measured.statistic(HeadStatistic.DIVERGENCE); // (M)
        float[] entropy = measured.statistic(HeadStatistic.ENTROPY); // (M)
        float[] slopes = new float[divergence.length]; // (M)
        for (int i = 0; i < group.size(); i++) {
            StudentRow row = group.get(i).row();
            int m = group.get(i).microBatch();
            TargetRange range = forest.completions().get(i);
            double sum = 0;
            for (int t = 0; t < range.size(); t++) {
                if (!row.foreign().get(t)) {
                    int at = range.start() + t;
                    sum += divergence[at];
                    entropies[m] += entropy[at];
                    slopes[at] = (float) (1 / denominator);
                }
            }
            FiniteLoss.require(sum, List.of(row.origin()));
            divergences[m] += sum;
            counted[m] += row.counted();
            rows[m]++;
        }
        return new HeadSlopes(new float[slopes.length], Map.of(HeadStatistic.DIVERGENCE, slopes));
    }

    @Override
    public StepReport step() {
        double sum = 0;
        List<Map<String, Double>> metrics = new ArrayList<>();
        for (int m = 0; m < divergences.length; m++) {
            sum += divergences[m];
            metrics.add(Map.of(MetricKeys.ENTROPY, entropies[m] / Math.max(1, counted[m])));
        }
        return new StepReport(sum / denominator, metrics, tokens);
    }

    /// An evaluation: the loss is the mean of the batches' means, weighted by rows, the entropy the
    /// plain mean of theirs, as in TRL.
    @Override
    public Map<String, Double> evaluation() {
        return evaluation(List.of());
    }

    /// The means of an evaluation, with metrics of generated completions among them.
    ///
    /// @param completions metrics of completions that were generated; may be empty
    Map<String, Double> evaluation(List<Map<String, Double>> completions) {
        double sum = 0;
        int count = 0;
        var means = new MetricMeans();
        completions.forEach(means::add);
        for (int m = 0; m < divergences.length; m++) {
            int tokens = Math.max(1, counted[m]);
            sum += rows[m] * divergences[m] / tokens;
            count += rows[m];
            means.add(Map.of(MetricKeys.ENTROPY, entropies[m] / tokens));
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, sum / count);
        metrics.putAll(means.means());
        return metrics;
    }
}
