package org.attune.trainers.sweep;

import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Watches a trial's evaluations, and stops it where it is worse than most before it.
final class SweepWatch implements TrainingListener {
    private final StopSignal stop;
    private final Optional<MedianRule> rule;
    private final Optional<String> metric;
    private final List<SweepTrial> others;
    private final Map<Integer, Double> sofar = new LinkedHashMap<>();
    private boolean gaveUp;

    /// @param stop of the trial
    /// @param rule by which trials are given up, if they are
    /// @param metric its key; unknown before the first trial has ended
    /// @param others trials that have ended
    SweepWatch(
            StopSignal stop,
            Optional<MedianRule> rule,
            Optional<String> metric,
            List<SweepTrial> others) {
        this.stop = stop;
        this.rule = rule;
        this.metric = metric;
        this.others = List.copyOf(others);
    }

    /// Whether the trial was given up.
    boolean gaveUp() {
        return gaveUp;
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        if (step == 0 || rule.isEmpty() || metric.isEmpty()) {
            return;
        }
        if (metrics.get(metric.get()) instanceof Number value) {
            sofar.put(step, value.doubleValue());
            if (!gaveUp && rule.get().gives(sofar, others)) {
                gaveUp = true;
                stop.request();
            }
        }
    }
}
