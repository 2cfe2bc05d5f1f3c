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
/// or, where rows count alike, `Σ over rows of the mean of D over a row's tokens / denominator`.
/// Where the tokens that were written are compared alone, `D` is
/// ```
/// sg(log q − log p) log q
/// ```
/// with `q` of the student and `p` of the teacher, whose gradient is in the mean that of the
/// reverse divergence.
final class StudentSums implements StepSums<StudentRow, CompletionForest> {
    private final StudentObjective objective;
    private final double[] divergences;
    private final double[] means; // sums of rows' means
    private final double[] entropies;
    private final int[] counted;
    private final int[] rows;

    /// @param microBatches number of logical micro-batches, ≥ 1
    StudentSums(StudentObjective objective, int microBatches) {
        this.objective = objective;
        divergences = new double[microBatches];
        means = new double[microBatches];
        entropies = new double[microBatches];
        counted = new int[microBatches];
        rows = new int[microBatches];
    }

    /// Adds a group's divergences; the derivatives are by each target's divergence, or by its
    /// log-probability where that is compared.
    @Override
    public HeadSlopes add(
            List<RowAt<StudentRow>> group,
            CompletionForest forest,
            Measurement measured,
            List<double[]> reference) {
        float[] own = measured.tokenLogProbs(); // (M)
        float[] divergence = // (M), or empty
                objective.divergence().isPresent()
                        ? measured.statistic(HeadStatistic.DIVERGENCE)
                        : new float[0];
        float[] entropy = measured.statistic(HeadStatistic.ENTROPY); // (M)
        float[] slopes = new float[own.length]; // (M)
        for (int i = 0; i < group.size(); i++) {
            StudentRow row = group.get(i).row();
            int m = group.get(i).microBatch();
            TargetRange range = forest.completions().get(i);
            double weight = objective.rowMeans() ? 1.0 / Math.max(1, row.counted()) : 1;
            double sum = 0;
            for (int t = 0; t < range.size(); t++) {
                if (!row.foreign().get(t)) {
                    int at = range.start() + t;
                    entropies[m] += entropy[at];
                    double slope = weight / objective.denominator();
                    if (divergence.length > 0) {
                        sum += divergence[at];
                    } else {
                        double ratio = own[at] - reference.getFirst()[at];
                        sum += ratio * own[at];
                        slope *= ratio;
                    }
                    slopes[at] = (float) slope;
                }
            }
            FiniteLoss.require(sum, List.of(row.origin()));
            divergences[m] += sum;
            means[m] += weight * sum;
            counted[m] += row.counted();
            rows[m]++;
        }
        return divergence.length == 0
                ? HeadSlopes.of(slopes)
                : new HeadSlopes(
                        new float[slopes.length], Map.of(HeadStatistic.DIVERGENCE, slopes));
    }

    @Override
    public StepReport step() {
        double sum = 0;
        List<Map<String, Double>> metrics = new ArrayList<>();
        for (int m = 0; m < divergences.length; m++) {
            sum += objective.rowMeans() ? means[m] : divergences[m];
            metrics.add(metrics(m));
        }
        return new StepReport(sum / objective.denominator(), metrics, objective.tokens());
    }

    private Map<String, Double> metrics(int m) {
        int tokens = Math.max(1, counted[m]);
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.ENTROPY, entropies[m] / tokens);
        if (objective.rowMeans()) {
            metrics.put(MetricKeys.SELF_DISTILLATION_LOSS, divergences[m] / tokens);
            metrics.put(MetricKeys.SDFT_LOSS, divergences[m] / tokens);
        }
        return metrics;
    }

    /// An evaluation: the loss is the mean of the batches' means, weighted by rows, the other
    /// metrics the plain means of theirs, as in TRL.
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
        var all = new MetricMeans();
        completions.forEach(all::add);
        for (int m = 0; m < divergences.length; m++) {
            sum +=
                    objective.rowMeans()
                            ? means[m]
                            : rows[m] * divergences[m] / Math.max(1, counted[m]);
            count += rows[m];
            all.add(metrics(m));
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, sum / count);
        metrics.putAll(all.means());
        return metrics;
    }
}
