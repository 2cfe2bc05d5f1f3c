package org.attune.trainers.sft;

import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.layout.SftForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.MetricMeans;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.rows.RowValues;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Loss and metrics of a step or an evaluation, summed up group by group.
final class SftSums implements StepSums<PackedRow, SftForest> {
    private final SftLoss loss;
    private final boolean isAnchored;
    private final boolean isEqual; // whether micro-batches count alike
    private final double anchored; // weight of the divergence, or 0
    private final double[] divisors; // of each micro-batch's loss
    private final double[] lossSums;
    private final double[] entropySums;
    private final double[] hits;
    private final double[] divergences;
    private final double[] weights;
    private final int[] targets;
    private final int[] rows;
    private final RowValues found = new RowValues();
    private long tokens;

    /// @param placed all rows
    /// @param microBatches number of logical micro-batches
    SftSums(SftObjective objective, List<RowAt<PackedRow>> placed, int microBatches) {
        loss = objective.loss();
        anchored = objective.anchor().map(SftObjective.Anchor::alpha).orElse(0.0);
        isAnchored = objective.anchor().isPresent();
        isEqual = objective.equalBatches();
        divisors = divisors(objective, placed, microBatches);
        lossSums = new double[microBatches];
        entropySums = new double[microBatches];
        hits = new double[microBatches];
        divergences = new double[microBatches];
        weights = new double[microBatches];
        targets = new int[microBatches];
        rows = new int[microBatches];
    }

    /// The sum of the weights of all trained tokens; or those of each micro-batch, times the number
    /// of micro-batches, where its mean counts as much as any other's.
    private static double[] divisors(
            SftObjective objective, List<RowAt<PackedRow>> placed, int microBatches) {
        double[] own = new double[microBatches];
        placed.forEach(p -> own[p.microBatch()] += p.row().trainedWeight());
        double all = divisor(placed.stream().mapToDouble(p -> p.row().trainedWeight()).sum());
        for (int m = 0; m < microBatches; m++) {
            own[m] = objective.equalBatches() ? divisor(own[m]) * microBatches : all;
        }
        return own;
    }

    /// What a sum over nothing is divided by matters to nobody, as long as it isn't 0.
    private static double divisor(double weights) {
        return weights > 0 ? weights : 1;
    }

    @Override
    public HeadSlopes add(
            List<RowAt<PackedRow>> group,
            SftForest forest,
            Measurement measurement,
            List<double[]> reference) {
        float[] slopes = new float[measurement.tokenLogProbs().length]; // (M)
        float[] held = new float[isAnchored ? slopes.length : 0]; // (M), of the divergence
        float[] divergence = // (M)
                isAnchored ? measurement.statistic(HeadStatistic.DIVERGENCE) : held;
        float[] top = // (M), or empty
                loss.readsTopEntropy()
                        ? measurement.statistic(HeadStatistic.TOP_ENTROPY)
                        : new float[0];
        float[] entropy = measurement.statistic(HeadStatistic.ENTROPY);
        float[] hit = measurement.statistic(HeadStatistic.ARGMAX_HIT);
        for (int r = 0; r < group.size(); r++) {
            RowAt<PackedRow> row = group.get(r);
            int m = row.microBatch();
            TargetRange range = forest.rows().get(r);
            float[] own = row.row().targetWeights(); // empty: 1 each
            double rowLoss = 0;
            double rowWeight = 0;
            for (int t = range.start(); t < range.end(); t++) {
                double logProb = measurement.tokenLogProbs()[t];
                double weight = own.length == 0 ? 1 : own[t - range.start()];
                double counts = weight * loss.weight(logProb, top.length == 0 ? 0 : top[t]);
                rowLoss -= counts * logProb;
                slopes[t] = (float) (-counts / divisors[m]);
                if (isAnchored) {
                    rowLoss += weight * anchored * divergence[t];
                    held[t] = (float) (weight * anchored / divisors[m]);
                    divergences[m] += divergence[t];
                }
                weights[m] += weight;
                rowWeight += weight;
                entropySums[m] += entropy[t];
                hits[m] += hit[t];
            }
            FiniteLoss.require(rowLoss, row.row().origins());
            lossSums[m] += rowLoss;
            found.put(row.position(), MetricKeys.LOSS, rowLoss / divisor(rowWeight));
            targets[m] += range.size();
            rows[m]++;
            tokens += row.row().length();
        }
        return new HeadSlopes(
                slopes, isAnchored ? Map.of(HeadStatistic.DIVERGENCE, held) : Map.of());
    }

    /// A step: the loss over all of its trained tokens, or the mean of the micro-batches' means.
    @Override
    public StepReport step() {
        double sum = 0;
        double equal = 0;
        for (int m = 0; m < lossSums.length; m++) {
            sum += lossSums[m];
            equal += lossSums[m] / divisors[m];
        }
        List<Map<String, Double>> microBatches = new ArrayList<>();
        for (int m = 0; m < lossSums.length; m++) {
            microBatches.add(metrics(m));
        }
        return new StepReport(isEqual ? equal : sum / divisors[0], microBatches, tokens);
    }

    /// An evaluation whose batches are the micro-batches: the loss is the mean of the batches'
    /// means, weighted by rows; the other metrics are plain means of the batches', all as in TRL.
    @Override
    public Map<String, Double> evaluation() {
        double sum = 0;
        int count = 0;
        var means = new MetricMeans();
        for (int m = 0; m < lossSums.length; m++) {
            sum += rows[m] * lossSums[m] / divisor(weights[m]);
            count += rows[m];
            means.add(metrics(m));
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, sum / count);
        metrics.putAll(means.means());
        return metrics;
    }

    @Override
    public List<Map<String, Double>> evaluatedRows() {
        return found.inOrder();
    }

    private Map<String, Double> metrics(int m) {
        int count = Math.max(1, targets[m]);
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.ENTROPY, entropySums[m] / count);
        metrics.put(MetricKeys.MEAN_TOKEN_ACCURACY, hits[m] / count);
        if (isAnchored) {
            metrics.put(MetricKeys.KL, divergences[m] / count);
        }
        return metrics;
    }
}
