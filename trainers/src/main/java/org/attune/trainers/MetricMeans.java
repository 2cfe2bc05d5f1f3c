package org.attune.trainers;

import org.attune.checkpoint.RunState;

import java.util.LinkedHashMap;
import java.util.Map;

/// Means of metrics since the last log, each over the values that it was given.
final class MetricMeans {
    private final Map<String, RunState.Mean> sums = new LinkedHashMap<>();

    void add(String key, double value) {
        sums.merge(
                key,
                new RunState.Mean(value, 1),
                (a, b) -> new RunState.Mean(a.sum() + b.sum(), a.count() + b.count()));
    }

    void add(Map<String, Double> metrics) {
        metrics.forEach(this::add);
    }

    /// The means, in the order in which the metrics first came.
    Map<String, Double> means() {
        Map<String, Double> means = new LinkedHashMap<>();
        sums.forEach((key, mean) -> means.put(key, mean.sum() / mean.count()));
        return means;
    }

    boolean isEmpty() {
        return sums.isEmpty();
    }

    void clear() {
        sums.clear();
    }

    Map<String, RunState.Mean> snapshot() {
        return new LinkedHashMap<>(sums);
    }

    void restore(Map<String, RunState.Mean> snapshot) {
        sums.clear();
        sums.putAll(snapshot);
    }
}
