package org.attune.trainers.loop;

import org.attune.checkpoint.RunState;

import java.util.LinkedHashMap;
import java.util.Map;

/// Means of metrics since the last log, each over the values that it was given.
public final class MetricMeans {
    private final Map<String, RunState.Mean> sums = new LinkedHashMap<>();

    public void add(String key, double value) {
        add(key, new RunState.Mean(value, 1));
    }

    /// Adds several values, of which the sum is known.
    public void add(String key, RunState.Mean values) {
        sums.merge(
                key, values, (a, b) -> new RunState.Mean(a.sum() + b.sum(), a.count() + b.count()));
    }

    /// Adds several values for each metric.
    void addSums(Map<String, RunState.Mean> metrics) {
        metrics.forEach(this::add);
    }

    public void add(Map<String, Double> metrics) {
        metrics.forEach(this::add);
    }

    /// The means, in the order in which the metrics first came. Where rewards are not of pairs,
    /// which have their own margins, the margin is the difference of the two means.
    public Map<String, Double> means() {
        Map<String, Double> means = new LinkedHashMap<>();
        sums.forEach((key, mean) -> means.put(key, mean.sum() / mean.count()));
        Double chosen = means.get(MetricKeys.REWARDS_CHOSEN);
        Double rejected = means.get(MetricKeys.REWARDS_REJECTED);
        if (chosen != null && rejected != null) {
            means.putIfAbsent(MetricKeys.REWARDS_MARGINS, chosen - rejected);
        }
        return means;
    }

    boolean isEmpty() {
        return sums.isEmpty();
    }

    void clear() {
        sums.clear();
    }

    public Map<String, RunState.Mean> snapshot() {
        return new LinkedHashMap<>(sums);
    }

    void restore(Map<String, RunState.Mean> snapshot) {
        sums.clear();
        sums.putAll(snapshot);
    }
}
