package org.attune.trainers.testing;

import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Keeps what it is told, without what depends on the clock.
public final class RecordingListener implements TrainingListener {
    public final List<Map<String, Object>> logs = new ArrayList<>();
    public final List<Map<String, Object>> totals = new ArrayList<>();
    public final List<Map<String, Object>> evaluations = new ArrayList<>();
    public final List<Integer> saves = new ArrayList<>();
    public RunInfo info;
    public RunSummary summary;

    @Override
    public void onStart(RunInfo started) {
        info = started;
    }

    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        logs.add(timeless(step, metrics));
    }

    @Override
    public void onTotals(int step, Map<String, Object> given) {
        totals.add(Map.copyOf(given));
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        evaluations.add(timeless(step, metrics));
    }

    @Override
    public void onSave(int step, Path checkpoint) {
        saves.add(step);
    }

    @Override
    public void onEnd(RunSummary ended) {
        summary = ended;
    }

    /// A metric that must be there.
    public static double number(Map<String, Object> metrics, String key) {
        return ((Number) metrics.get(key)).doubleValue();
    }

    private static Map<String, Object> timeless(int step, Map<String, Object> metrics) {
        Map<String, Object> copy = new LinkedHashMap<>(metrics);
        copy.keySet()
                .removeAll(
                        List.of(
                                MetricKeys.TOKENS_PER_SECOND,
                                MetricKeys.STEP_TIME,
                                MetricKeys.EVAL_RUNTIME));
        copy.put(MetricKeys.STEP, step);
        return copy;
    }
}
