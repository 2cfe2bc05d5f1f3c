package org.attune.trainers.heads;

import org.attune.policy.Measurement;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.heads.HeadTask.Judged;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.rows.RowValues;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The judged units of a step or an evaluation, group by group, and what follows for loss,
/// gradients and metrics. The loss is the mean over all units of the step, so how the step is cut
/// into micro-batches changes nothing.
final class ScoreSums implements StepSums<LabelledExample, LabelledForest> {
    private final HeadTask task;
    private final int microBatches;
    private final Map<Integer, List<double[]>> targets = new HashMap<>(); // by position
    private final Map<Integer, Integer> microBatchOf = new HashMap<>();
    private final int units;
    private final List<List<Judged>> judged = new ArrayList<>(); // by position
    private final RowValues found = new RowValues();
    private double loss;
    private long tokens;

    /// @param rows all rows of the step
    /// @param microBatches number of logical micro-batches
    ScoreSums(HeadTask task, List<RowAt<LabelledExample>> rows, int microBatches) {
        this.task = task;
        this.microBatches = microBatches;
        int sum = 0;
        for (RowAt<LabelledExample> row : rows) {
            List<double[]> asked = task.targets().apply(row.row());
            targets.put(row.position(), asked);
            microBatchOf.put(row.position(), row.microBatch());
            judged.add(List.of());
            sum += asked.size();
        }
        units = sum;
    }

    @Override
    public HeadSlopes add(
            List<RowAt<LabelledExample>> group,
            LabelledForest forest,
            Measurement model,
            List<double[]> reference) {
        float[] scores = model.tokenLogProbs();
        float[] slopes = new float[scores.length];
        int at = 0;
        for (RowAt<LabelledExample> placed : group) {
            List<double[]> asked = targets.get(placed.position());
            int sequences = placed.row().sequences().size();
            int width = task.labels() * (asked.size() == 1 ? sequences : 1);
            List<Judged> said = new ArrayList<>();
            double rowLoss = 0;
            for (double[] target : asked) {
                double[] z = new double[width];
                for (int i = 0; i < width; i++) {
                    z[i] = scores[at + i];
                }
                double[] slope = new double[width];
                rowLoss += task.loss().of(z, target, slope);
                for (int i = 0; i < width; i++) {
                    slopes[at + i] = (float) (slope[i] / units);
                }
                said.add(new Judged(z, target));
                at += width;
            }
            FiniteLoss.require(rowLoss, placed.row().origins());
            loss += rowLoss / units;
            judged.set(placed.position(), said);
            found.put(placed.position(), task.unitMetric(), task.mean(said));
            found.put(placed.position(), MetricKeys.LOSS, rowLoss / asked.size());
            tokens += placed.row().length();
        }
        return HeadSlopes.of(slopes);
    }

    @Override
    public StepReport step() {
        List<List<Judged>> cut = new ArrayList<>();
        for (int m = 0; m < microBatches; m++) {
            cut.add(new ArrayList<>());
        }
        microBatchOf.forEach((position, m) -> cut.get(m).addAll(judged.get(position)));
        List<Map<String, Double>> metrics =
                cut.stream().map(units -> Map.of(task.unitMetric(), task.mean(units))).toList();
        return new StepReport(loss, metrics, tokens);
    }

    @Override
    public List<Map<String, Double>> evaluatedRows() {
        return found.inOrder();
    }

    @Override
    public Map<String, Double> evaluation() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, loss);
        metrics.putAll(task.metrics().apply(judged));
        return metrics;
    }

    /// The number that is largest; on a tie the first.
    static int largest(double[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }
}
