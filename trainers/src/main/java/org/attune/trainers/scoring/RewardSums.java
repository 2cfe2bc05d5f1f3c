package org.attune.trainers.scoring;

import org.attune.policy.Measurement;
import org.attune.trainers.examples.RewardExample;
import org.attune.trainers.layout.RewardForest;
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

/// The scored pairs of a step or an evaluation, group by group, and what follows for loss,
/// gradients and metrics. The step's loss is the mean over its micro-batches of their means over
/// pairs, as in TRL.
final class RewardSums implements StepSums<RewardExample, RewardForest> {
    private final RewardLoss objective;
    private final List<MicroBatch> microBatches = new ArrayList<>();
    private final RowValues found = new RowValues();
    private long tokens;

    /// The sums of a logical micro-batch.
    private static final class MicroBatch {
        int pairs; // that it will have
        int scored;
        double loss;
        double sum;
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        double right;
        double ties;
        double margin;

        void add(double chosen, double rejected, double pairLoss) {
            scored++;
            loss += pairLoss;
            sum += chosen + rejected;
            least = Math.min(least, Math.min(chosen, rejected));
            most = Math.max(most, Math.max(chosen, rejected));
            right += chosen > rejected ? 1 : 0;
            ties += chosen == rejected ? 1 : 0;
            margin += chosen - rejected;
        }

        Map<String, Double> metrics() {
            Map<String, Double> metrics = new LinkedHashMap<>();
            metrics.put(MetricKeys.MIN_REWARD, least);
            metrics.put(MetricKeys.MEAN_REWARD, sum / (2 * scored));
            metrics.put(MetricKeys.MAX_REWARD, most);
            metrics.put(MetricKeys.ACCURACY, right / scored);
            metrics.put(MetricKeys.MARGIN, margin / scored);
            return metrics;
        }
    }

    /// @param pairs all pairs of the step
    /// @param count number of logical micro-batches
    RewardSums(RewardLoss objective, List<RowAt<RewardExample>> pairs, int count) {
        this.objective = objective;
        for (int m = 0; m < count; m++) {
            microBatches.add(new MicroBatch());
        }
        pairs.forEach(pair -> microBatches.get(pair.microBatch()).pairs++);
    }

    @Override
    public HeadSlopes add(
            List<RowAt<RewardExample>> group,
            RewardForest forest,
            Measurement model,
            List<double[]> reference) {
        float[] scores = model.tokenLogProbs(); // chosen and rejected of each pair, (2 pairs)
        float[] slopes = new float[scores.length];
        for (int i = 0; i < group.size(); i++) {
            RowAt<RewardExample> pair = group.get(i);
            MicroBatch m = microBatches.get(pair.microBatch());
            double chosen = scores[2 * i];
            double rejected = scores[2 * i + 1];
            RewardLoss.Value value = objective.of(chosen, rejected, pair.row().margin());
            FiniteLoss.require(value.loss(), pair.row().origins());
            m.add(chosen, rejected, value.loss());
            found.pair(pair.position(), chosen, rejected);
            double share = 1.0 / m.pairs / microBatches.size();
            slopes[2 * i] = (float) (share * value.chosen());
            slopes[2 * i + 1] = (float) (share * value.rejected());
            tokens += pair.row().length();
        }
        return HeadSlopes.of(slopes);
    }

    /// A step whose pairs were all added.
    @Override
    public StepReport step() {
        double loss = 0;
        List<Map<String, Double>> metrics = new ArrayList<>();
        for (MicroBatch m : microBatches) {
            loss += m.loss / m.pairs / microBatches.size();
            metrics.add(m.metrics());
        }
        return new StepReport(loss, metrics, tokens);
    }

    @Override
    public List<Map<String, Double>> evaluatedRows() {
        return found.inOrder();
    }

    /// An evaluation whose batches are the micro-batches: loss and preference accuracy are means
    /// over pairs, the other metrics plain means of the batches', as in TRL.
    @Override
    public Map<String, Double> evaluation() {
        double loss = 0;
        double preferred = 0;
        int count = 0;
        var means = new MetricMeans();
        for (MicroBatch m : microBatches) {
            loss += m.loss;
            preferred += m.right + m.ties / 2;
            count += m.scored;
            means.add(m.metrics());
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, loss / count);
        metrics.putAll(means.means());
        metrics.put(MetricKeys.PREFERENCE_ACCURACY, preferred / count);
        return metrics;
    }
}
