package org.attune.trainers.loop;

import java.util.LinkedHashMap;
import java.util.Map;

/// Result of the evaluation of one set.
///
/// @param set the set's name
/// @param rows rows evaluated
/// @param metrics by [MetricKeys], without prefix
public record HeldOutMeans(String set, int rows, Map<String, Double> metrics) {
    public HeldOutMeans {
        metrics = new LinkedHashMap<>(metrics);
    }

    /// The metric by which this set is compared: a method's, or the reward of a task.
    ///
    /// @param wanted the method's
    String compared(String wanted) {
        return metrics.containsKey(wanted) ? wanted : MetricKeys.REWARD;
    }

    /// Key of a metric of this set in logs.
    String key(String metric) {
        return MetricKeys.EVAL_PREFIX + (set.isEmpty() ? "" : set + "_") + metric;
    }

    /// The metrics with their prefix.
    Map<String, Object> prefixed() {
        Map<String, Object> prefixed = new LinkedHashMap<>();
        metrics.forEach((metric, value) -> prefixed.put(key(metric), value));
        return prefixed;
    }
}
