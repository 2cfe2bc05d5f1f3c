package org.attune.trainers.scoring;

import org.attune.datasets.examples.StepwiseExample;
import org.attune.datasets.examples.StepwiseExample.JudgedStep;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.rows.RowAt;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The scored steps of a training step or an evaluation, group by group, and what follows for loss,
/// gradients and metrics. The loss is the mean over all judged steps of the accumulation window.
final class StepLedger {
    private final List<MicroBatch> microBatches = new ArrayList<>();
    private final int judged;
    private long tokens;

    /// One logical micro-batch.
    private static final class MicroBatch {
        int rows;
        int steps;
        double loss;
        double hits;
    }

    /// @param rows all rows of the training step
    /// @param count number of logical micro-batches
    StepLedger(List<RowAt<StepwiseExample>> rows, int count) {
        judged = rows.stream().mapToInt(p -> p.row().steps().size()).sum();
        for (int m = 0; m < count; m++) {
            microBatches.add(new MicroBatch());
        }
    }

    /// Notes the scores of a group of rows.
    ///
    /// @param scores of "wrong" and "right" at each of their judged steps, `(2 steps)`
    /// @return derivative of the loss by each score, `(2 steps)`
    /// @throws org.attune.error.TrainingDivergedException if a row's loss isn't finite
    float[] add(List<RowAt<StepwiseExample>> group, float[] scores) {
        float[] slopes = new float[scores.length];
        int at = 0;
        for (RowAt<StepwiseExample> placed : group) {
            MicroBatch m = microBatches.get(placed.microBatch());
            double rowLoss = 0;
            for (JudgedStep step : placed.row().steps()) {
                StepLoss value = StepLoss.of(scores[at], scores[at + 1], step.right());
                rowLoss += value.loss();
                // On a tie the first label is the likelier one, as for TRL's argmax.
                m.hits += scores[at + 1] > scores[at] == step.right() ? 1 : 0;
                m.steps++;
                slopes[at] = (float) (value.wrong() / judged);
                slopes[at + 1] = (float) (value.right() / judged);
                at += 2;
            }
            FiniteLoss.require(rowLoss, List.of(placed.row().origin().where()));
            m.loss += rowLoss;
            m.rows++;
            tokens += placed.row().length();
        }
        return slopes;
    }

    /// A training step whose rows were all added.
    StepReport step() {
        double loss = 0;
        List<Map<String, Double>> metrics = new ArrayList<>();
        for (MicroBatch m : microBatches) {
            loss += m.loss / judged;
            metrics.add(Map.of(MetricKeys.ACCURACY, m.hits / m.steps));
        }
        return new StepReport(loss, metrics, tokens);
    }

    /// An evaluation whose batches are the micro-batches: the loss is the mean of the batches'
    /// means, weighted by rows, and the accuracy that of all judged steps, both as in TRL.
    Map<String, Double> evaluation() {
        double loss = 0;
        double hits = 0;
        int rows = 0;
        for (MicroBatch m : microBatches) {
            loss += m.rows * m.loss / m.steps;
            hits += m.hits;
            rows += m.rows;
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, loss / rows);
        metrics.put(MetricKeys.ACCURACY, hits / judged);
        return metrics;
    }
}
