package org.attune.trainers.unpaired;

import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.examples.KtoExample;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.layout.UnpairedForest;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.MetricMeans;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.rows.RowValues;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The completions of a step or an evaluation: the models' log-probabilities, group by group, and
/// what follows for loss, gradients and metrics.
///
/// The step's loss is the mean over its micro-batches of their means over rows. The mismatched
/// completions of a micro-batch are noted before its own ones and give its reference point, so a
/// row's loss is known when the row is added.
final class KtoSums implements StepSums<KtoExample, UnpairedForest> {
    private final KtoLoss objective;
    private final boolean estimates;
    private final List<MicroBatch> microBatches = new ArrayList<>();
    private final RowValues found = new RowValues();
    private long tokens;

    /// The sums of a logical micro-batch.
    private static final class MicroBatch {
        final LabelSide chosen = LabelSide.chosen();
        final LabelSide rejected = LabelSide.rejected();
        int rows;
        double mismatched;
        int mismatchedRows;
        double loss;
        double right;
        double entropy;
        int targets;

        LabelSide side(boolean label) {
            return label ? chosen : rejected;
        }
    }

    /// @param estimates whether mismatched completions are noted; else the reference point is 0
    /// @param rows all rows
    /// @param count number of logical micro-batches
    KtoSums(KtoLoss objective, boolean estimates, List<RowAt<KtoExample>> rows, int count) {
        this.objective = objective;
        this.estimates = estimates;
        for (int m = 0; m < count; m++) {
            microBatches.add(new MicroBatch());
        }
        rows.forEach(row -> microBatches.get(row.microBatch()).rows++);
    }

    @Override
    public void noteBeside(
            List<RowAt<KtoExample>> group,
            UnpairedForest forest,
            Measurement policy,
            List<double[]> reference) {
        for (int i = 0; i < group.size(); i++) {
            MicroBatch m = microBatches.get(group.get(i).microBatch());
            TargetRange targets = forest.completions().get(i);
            m.mismatched += sum(policy.tokenLogProbs(), targets) - reference.get(i)[0];
            m.mismatchedRows++;
        }
    }

    @Override
    public HeadSlopes add(
            List<RowAt<KtoExample>> group,
            UnpairedForest forest,
            Measurement policy,
            List<double[]> reference) {
        float[] slopes = new float[forest.forest().targetCount()]; // (M)
        for (int i = 0; i < group.size(); i++) {
            KtoExample row = group.get(i).row();
            MicroBatch m = microBatches.get(group.get(i).microBatch());
            TargetRange targets = forest.completions().get(i);
            double logProb = sum(policy.tokenLogProbs(), targets);
            double logRatio = logProb - reference.get(i)[0];
            double point = referencePoint(m);
            boolean label = row.row().desirable();
            KtoLoss.Value value = objective.of(logRatio, point, label);
            FiniteLoss.require(value.loss(), row.origins());
            m.loss += value.loss() / m.rows;
            double right = right(label ? logRatio - point : point - logRatio);
            double reward = objective.reward(logProb, reference.get(i)[0]);
            m.right += right;
            m.side(label).add(reward, logProb);
            found.labelled(group.get(i).position(), label, reward, right);
            m.side(label)
                    .addLogits(
                            sum(policy.statistic(HeadStatistic.MEAN_LOGIT), targets),
                            targets.size());
            m.entropy += sum(policy.statistic(HeadStatistic.ENTROPY), targets);
            m.targets += targets.size();
            tokens += row.length();
            Arrays.fill(
                    slopes,
                    targets.start(),
                    targets.end(),
                    (float) (value.slope() / m.rows / microBatches.size()));
        }
        return HeadSlopes.of(slopes);
    }

    private static double right(double gain) {
        return gain > 0 ? 1 : gain == 0 ? 0.5 : 0;
    }

    private double referencePoint(MicroBatch m) {
        if (!estimates) {
            return 0;
        }
        if (m.mismatchedRows < m.rows) {
            throw new IllegalStateException(
                    "%d of %d mismatched completions were noted"
                            .formatted(m.mismatchedRows, m.rows));
        }
        return KtoLoss.referencePoint(m.mismatched, m.mismatchedRows);
    }

    private static double sum(float[] values, TargetRange range) {
        return Arrays.stream(range.of(values)).sum();
    }

    /// A step.
    @Override
    public StepReport step() {
        double loss = 0;
        List<Map<String, Double>> metrics = new ArrayList<>();
        for (MicroBatch m : microBatches) {
            loss += m.loss / microBatches.size();
            metrics.add(metrics(m));
        }
        return new StepReport(loss, metrics, tokens);
    }

    @Override
    public List<Map<String, Double>> evaluatedRows() {
        return found.inOrder();
    }

    /// An evaluation whose batches are the micro-batches: the loss is the mean over rows, the other
    /// metrics are plain means of the batches', as in TRL.
    @Override
    public Map<String, Double> evaluation() {
        double loss = 0;
        double right = 0;
        int rows = 0;
        var means = new MetricMeans();
        for (MicroBatch m : microBatches) {
            loss += m.loss * m.rows;
            right += m.right;
            rows += m.rows;
            means.add(metrics(m));
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, loss / rows);
        metrics.putAll(means.means());
        metrics.put(MetricKeys.ACCURACY, right / rows);
        return metrics;
    }

    /// Metrics as in TRL; the margin only where both labels occur.
    private Map<String, Double> metrics(MicroBatch m) {
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.KL, referencePoint(m));
        metrics.put(MetricKeys.ENTROPY, m.entropy / Math.max(1, m.targets));
        m.chosen.sums().forEach((key, mean) -> metrics.put(key, mean.sum() / mean.count()));
        m.rejected.sums().forEach((key, mean) -> metrics.put(key, mean.sum() / mean.count()));
        if (m.chosen.isPresent() && m.rejected.isPresent()) {
            metrics.put(
                    MetricKeys.REWARDS_MARGINS,
                    metrics.get(MetricKeys.REWARDS_CHOSEN)
                            - metrics.get(MetricKeys.REWARDS_REJECTED));
        }
        return metrics;
    }
}
