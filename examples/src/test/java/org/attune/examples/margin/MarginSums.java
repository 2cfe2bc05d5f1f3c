package org.attune.examples.margin;

import org.attune.policy.Measurement;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.layout.PreferenceForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// The pairs of a step or an evaluation. The loss is the mean over all of them.
final class MarginSums implements StepSums<PreferenceExample, PreferenceForest> {
    private final MarginLoss loss;
    private final int pairs;
    private double lossSum;
    private double right;
    private long tokens;

    MarginSums(MarginLoss loss, List<RowAt<PreferenceExample>> rows) {
        this.loss = loss;
        pairs = rows.size();
    }

    @Override
    public HeadSlopes add(
            List<RowAt<PreferenceExample>> group,
            PreferenceForest forest,
            Measurement policy,
            List<double[]> reference) {
        float[] slopes = new float[forest.forest().targetCount()]; // (M)
        for (int i = 0; i < group.size(); i++) {
            PreferenceExample pair = group.get(i).row();
            TargetRange chosen = forest.chosen().get(i);
            TargetRange rejected = forest.rejected().get(i);
            double difference = mean(policy, chosen) - mean(policy, rejected);
            MarginLoss.Value value = loss.of(difference);
            FiniteLoss.require(value.loss(), pair.origins());
            fill(slopes, chosen, value.slope() / chosen.size() / pairs);
            fill(slopes, rejected, -value.slope() / rejected.size() / pairs);
            lossSum += value.loss();
            right += difference > 0 ? 1 : 0;
            tokens += pair.length();
        }
        return HeadSlopes.of(slopes);
    }

    private static double mean(Measurement policy, TargetRange range) {
        return Arrays.stream(range.of(policy.tokenLogProbs())).sum() / range.size();
    }

    private static void fill(float[] slopes, TargetRange range, double slope) {
        Arrays.fill(slopes, range.start(), range.end(), (float) slope);
    }

    @Override
    public StepReport step() {
        return new StepReport(lossSum / pairs, List.of(metrics()), tokens);
    }

    @Override
    public Map<String, Double> evaluation() {
        return Map.of(
                MetricKeys.LOSS, lossSum / pairs, MetricKeys.PREFERENCE_ACCURACY, right / pairs);
    }

    private Map<String, Double> metrics() {
        return Map.of(MetricKeys.PREFERENCE_ACCURACY, right / pairs);
    }
}
