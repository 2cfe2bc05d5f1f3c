package org.attune.trainers.scoring;

import org.attune.policy.Measurement;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.examples.StepwiseExample.JudgedStep;
import org.attune.trainers.layout.StepwiseForest;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.rows.RowValues;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The scored steps of a training step or an evaluation, group by group, and what follows for loss,
/// gradients and metrics. The loss is the mean over all judged steps of the accumulation window.
final class StepwiseSums implements StepSums<StepwiseExample, StepwiseForest> {
    private final List<MicroBatch> microBatches = new ArrayList<>();
    private final int judged;
    private final RowValues found = new RowValues();
    private long tokens;

    /// The sums of a logical micro-batch.
    private static final class MicroBatch {
        int rows;
        int steps;
        double loss;
        double hits;
    }

    /// @param rows all rows of the training step
    /// @param count number of logical micro-batches
    StepwiseSums(List<RowAt<StepwiseExample>> rows, int count) {
        judged = rows.stream().mapToInt(p -> p.row().steps().size()).sum();
        for (int m = 0; m < count; m++) {
            microBatches.add(new MicroBatch());
        }
    }

    @Override
    public HeadSlopes add(
            List<RowAt<StepwiseExample>> group,
            StepwiseForest forest,
            Measurement model,
            List<double[]> reference) {
        float[] scores = model.tokenLogProbs(); // "wrong" and "right" of each step, (2 steps)
        float[] slopes = new float[scores.length];
        int at = 0;
        for (RowAt<StepwiseExample> placed : group) {
            MicroBatch m = microBatches.get(placed.microBatch());
            double rowLoss = 0;
            double before = m.hits;
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
            FiniteLoss.require(rowLoss, placed.row().origins());
            m.loss += rowLoss;
            double steps = placed.row().steps().size();
            found.put(placed.position(), MetricKeys.ACCURACY, (m.hits - before) / steps);
            found.put(placed.position(), MetricKeys.LOSS, rowLoss / steps);
            m.rows++;
            tokens += placed.row().length();
        }
        return HeadSlopes.of(slopes);
    }

    /// A training step whose rows were all added.
    @Override
    public StepReport step() {
        double loss = 0;
        List<Map<String, Double>> metrics = new ArrayList<>();
        for (MicroBatch m : microBatches) {
            loss += m.loss / judged;
            metrics.add(Map.of(MetricKeys.ACCURACY, m.hits / m.steps));
        }
        return new StepReport(loss, metrics, tokens);
    }

    @Override
    public List<Map<String, Double>> evaluatedRows() {
        return found.inOrder();
    }

    /// An evaluation whose batches are the micro-batches: the loss is the mean of the batches'
    /// means, weighted by rows, and the accuracy that of all judged steps, both as in TRL.
    @Override
    public Map<String, Double> evaluation() {
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
