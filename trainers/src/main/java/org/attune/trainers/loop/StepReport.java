package org.attune.trainers.loop;

import org.attune.checkpoint.RunState;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Metrics and counts of a step, known when its gradients are complete.
///
/// @param loss the step's loss, finite
/// @param microBatches metrics of each logical micro-batch; logs show their means
/// @param tokens tokens of the step's sequences, as TRL counts `num_tokens`
/// @param counters metrics of which logs show the last value
/// @param sums metrics of which logs show the mean over all values, however they are spread over
///     micro-batches
public record StepReport(
        double loss,
        List<Map<String, Double>> microBatches,
        long tokens,
        Map<String, Double> counters,
        Map<String, RunState.Mean> sums) {
    public StepReport {
        microBatches = List.copyOf(microBatches);
    }

    /// Adds a metric of the whole step.
    public StepReport with(String key, double value) {
        Map<String, RunState.Mean> more = new LinkedHashMap<>(sums);
        more.put(key, new RunState.Mean(value, 1));
        return new StepReport(loss, microBatches, tokens, counters, more);
    }

    /// Replaces the loss.
    public StepReport withLoss(double other) {
        return new StepReport(other, microBatches, tokens, counters, sums);
    }

    /// Replaces the metrics of micro-batches.
    public StepReport withMicroBatches(List<Map<String, Double>> others) {
        return new StepReport(loss, others, tokens, counters, sums);
    }

    /// A report without sums.
    public StepReport(
            double loss,
            List<Map<String, Double>> microBatches,
            long tokens,
            Map<String, Double> counters) {
        this(loss, microBatches, tokens, counters, Map.of());
    }

    /// A report without counters.
    public StepReport(double loss, List<Map<String, Double>> microBatches, long tokens) {
        this(loss, microBatches, tokens, Map.of());
    }
}
