package org.attune.reports.tracker;

import org.attune.trainers.loop.MetricKeys;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// Numbers of one moment.
///
/// @param index place among the run's logs and evaluations, from 0
/// @param time when they were told
/// @param step optimizer steps done
/// @param metrics by [MetricKeys]; numbers only
record TrackedPoint(int index, Instant time, int step, Map<String, Double> metrics) {
    /// Totals of a run, which some trackers keep apart from curves.
    static final Set<String> TOTALS =
            Set.of(
                    "train_runtime",
                    "train_samples_per_second",
                    "train_steps_per_second",
                    "train_loss",
                    "total_flos");

    public TrackedPoint {
        metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
    }

    static Map<String, Double> numbers(Map<String, Object> metrics) {
        Map<String, Double> numbers = new LinkedHashMap<>();
        metrics.forEach(
                (key, value) -> {
                    if (value instanceof Number number) {
                        numbers.put(key, number.doubleValue());
                    }
                });
        return numbers;
    }

    /// Curves under transformers' names for W&B and Trackio: `train/loss`, `eval/loss` and so on,
    /// with the step as `train/global_step`; totals left out. Empty if nothing else is there.
    Map<String, Double> curves() {
        Map<String, Double> curves = new LinkedHashMap<>();
        metrics.forEach(
                (key, value) -> {
                    if (!TOTALS.contains(key)) {
                        curves.put(MetricKeys.sectioned(key), value);
                    }
                });
        if (!curves.isEmpty()) {
            curves.put("train/global_step", (double) step);
        }
        return curves;
    }
}
