package org.attune.trainers.distillation;

import org.attune.datasets.layout.CompletionForest;
import org.attune.datasets.layout.TargetRange;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.MetricMeans;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.rows.RowAt;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Loss and metrics of a step or an evaluation, summed up group by group.
/// ```
/// loss = Σ over the tokens that count of D(teacher, student) / denominator
/// ```
final class StudentSums {
    private final StudentRows.Step step;
    private final double[] divergences;
    private final double[] entropies;
    private final int[] counted;
    private final int[] rows;

    StudentSums(StudentRows.Step step) {
        this.step = step;
        divergences = new double[step.microBatches()];
        entropies = new double[step.microBatches()];
        counted = new int[step.microBatches()];
        rows = new int[step.microBatches()];
    }

    /// Adds a group of rows.
    ///
    /// @return derivative of the step's loss by each target's divergence, `(M)`
    /// @throws org.attune.error.TrainingDivergedException if a row's divergence isn't finite
    float[] add(List<RowAt<StudentRow>> group, CompletionForest forest, Measurement measured) {
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
                    slopes[at] = (float) (1 / step.denominator());
                }
            }
            FiniteLoss.require(sum, List.of(row.origin()));
            divergences[m] += sum;
            counted[m] += row.counted();
            rows[m]++;
        }
        return slopes;
    }

    /// A training step whose rows were all added.
    StepReport step() {
        double sum = 0;
        List<Map<String, Double>> metrics = new ArrayList<>(step.metrics());
        for (int m = 0; m < divergences.length; m++) {
            sum += divergences[m];
            metrics.add(Map.of(MetricKeys.ENTROPY, entropies[m] / Math.max(1, counted[m])));
        }
        return new StepReport(sum / step.denominator(), metrics, step.tokens());
    }

    /// An evaluation: the loss is the mean of the batches' means, weighted by rows, the entropy the
    /// plain mean of theirs, as in TRL.
    Map<String, Double> evaluation() {
        double sum = 0;
        int count = 0;
        var means = new MetricMeans();
        step.metrics().forEach(means::add);
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
