package org.attune.trainers.online;

import org.attune.policy.Measurement;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Loss and metrics of a step, summed up group by group: the mean over the micro-batches of the
/// means over their pairs.
final class OnlineSums implements StepSums<JudgedPair, CompletionForest> {
    private final OnlineObjective objective;
    private final int[] pairs;
    private final long tokens;
    private final double[] losses;
    private final Map<String, double[]> sums = new LinkedHashMap<>();

    /// @param pairs of each micro-batch
    /// @param tokens of the step's prompts and completions
    OnlineSums(OnlineObjective objective, int[] pairs, long tokens) {
        this.objective = objective;
        this.tokens = tokens;
        this.pairs = pairs.clone();
        losses = new double[pairs.length];
    }

    /// Adds a group of pairs.
    ///
    /// @param forest the completions that are learned, pair by pair
    /// @param held one array: the reference's log-probability of each target, `(M)`
    @Override
    public HeadSlopes add(
            List<RowAt<JudgedPair>> group,
            CompletionForest forest,
            Measurement measured,
            List<double[]> held) {
        float[] policy = measured.tokenLogProbs();
        double[] reference = held.getFirst();
        float[] slopes = new float[policy.length];
        int at = 0;
        for (RowAt<JudgedPair> placed : group) {
            JudgedPair pair = placed.row();
            int m = placed.microBatch();
            int count = objective.learned(pair).size();
            List<TargetRange> ranges = forest.completions().subList(at, at + count);
            at += count;
            OnlineObjective.Result result =
                    objective.of(
                            pair,
                            ranges.stream().map(range -> range.of(policy)).toList(),
                            ranges.stream().map(range -> part(reference, range)).toList());
            FiniteLoss.require(result.loss(), List.of(pair.origin().where()));
            losses[m] += result.loss() / pairs[m] / pairs.length;
            for (int i = 0; i < count; i++) {
                for (int t = 0; t < ranges.get(i).size(); t++) {
                    slopes[ranges.get(i).start() + t] =
                            (float) (result.slopes().get(i)[t] / pairs[m] / pairs.length);
                }
            }
            result.metrics().forEach((key, value) -> put(m, key, value));
        }
        return HeadSlopes.of(slopes);
    }

    private static double[] part(double[] values, TargetRange range) {
        return Arrays.copyOfRange(values, range.start(), range.end());
    }

    private void put(int m, String key, double value) {
        sums.computeIfAbsent(key, _ -> new double[pairs.length])[m] += value;
    }

    @Override
    public StepReport step() {
        return new StepReport(
                Arrays.stream(losses).sum(),
                IntStream.range(0, pairs.length).mapToObj(this::metrics).toList(),
                tokens);
    }

    @Override
    public Map<String, Double> evaluation() {
        throw new IllegalStateException("held-out prompts are completed and judged, not learned");
    }

    /// Means over the pairs of a micro-batch; empty if it has none.
    private Map<String, Double> metrics(int m) {
        Map<String, Double> means = new LinkedHashMap<>();
        if (pairs[m] > 0) {
            sums.forEach((key, values) -> means.put(key, values[m] / pairs[m]));
        }
        return means;
    }
}
