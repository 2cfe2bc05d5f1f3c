package org.attune.trainers.sft;

import org.attune.datasets.examples.PackedRow;
import org.attune.datasets.examples.SftExample;
import org.attune.datasets.layout.SftForest;
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
final class SftTotals {
    private final SftLoss loss;
    private final double[] lossSums;
    private final double[] entropySums;
    private final double[] hits;
    private final int[] targets;
    private final int[] rows;
    private long tokens;

    /// @param microBatches number of logical micro-batches
    SftTotals(SftLoss loss, int microBatches) {
        this.loss = loss;
        lossSums = new double[microBatches];
        entropySums = new double[microBatches];
        hits = new double[microBatches];
        targets = new int[microBatches];
        rows = new int[microBatches];
    }

    /// Adds a group of rows and gives the derivative of the step's loss by the log-probability of
    /// each target, `(M)`.
    ///
    /// @param denominator trained tokens of the whole step
    /// @throws org.attune.error.TrainingDivergedException if a row's loss isn't finite
    float[] add(
            List<RowAt<PackedRow>> group,
            SftForest forest,
            Measurement measurement,
            int denominator) {
        float[] slopes = new float[measurement.tokenLogProbs().length];
        float[] entropy = measurement.statistic(HeadStatistic.ENTROPY);
        float[] hit = measurement.statistic(HeadStatistic.ARGMAX_HIT);
        for (int r = 0; r < group.size(); r++) {
            RowAt<PackedRow> row = group.get(r);
            int m = row.microBatch();
            TargetRange range = forest.rows().get(r);
            double rowLoss = 0;
            for (int t = range.start(); t < range.end(); t++) {
                double logProb = measurement.tokenLogProbs()[t];
                rowLoss += loss.loss(logProb);
                slopes[t] = (float) (loss.slope(logProb) / denominator);
                entropySums[m] += entropy[t];
                hits[m] += hit[t];
            }
            FiniteLoss.require(rowLoss, origins(row.row()));
            lossSums[m] += rowLoss;
            targets[m] += range.size();
            rows[m]++;
            tokens += row.row().length();
        }
        return slopes;
    }

    /// A step: the loss over all of its trained tokens.
    StepReport step(int denominator) {
        double sum = 0;
        for (double part : lossSums) {
            sum += part;
        }
        List<Map<String, Double>> microBatches = new ArrayList<>();
        for (int m = 0; m < lossSums.length; m++) {
            microBatches.add(metrics(m));
        }
        return new StepReport(sum / denominator, microBatches, tokens);
    }

    /// An evaluation whose batches are the micro-batches: the loss is the mean of the batches'
    /// means, weighted by rows; the other metrics are plain means of the batches', all as in TRL.
    Map<String, Double> evaluation() {
        double sum = 0;
        int count = 0;
        var means = new MetricMeans();
        for (int m = 0; m < lossSums.length; m++) {
            sum += rows[m] * lossSums[m] / Math.max(1, targets[m]);
            count += rows[m];
            means.add(metrics(m));
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, sum / count);
        metrics.putAll(means.means());
        return metrics;
    }

    private Map<String, Double> metrics(int m) {
        int count = Math.max(1, targets[m]);
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.ENTROPY, entropySums[m] / count);
        metrics.put(MetricKeys.MEAN_TOKEN_ACCURACY, hits[m] / count);
        return metrics;
    }

    static List<String> origins(PackedRow row) {
        return row.documents().stream().map(SftExample::origin).map(Object::toString).toList();
    }
}
