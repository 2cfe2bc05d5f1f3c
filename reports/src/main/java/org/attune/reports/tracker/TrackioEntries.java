package org.attune.reports.tracker;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// A run's numbers as Trackio's log entries. Each has an id that follows from run and place, so
/// what is told twice counts once; the first one of a process holds the configuration.
final class TrackioEntries {
    private final String project;
    private final String run;
    private final String runId;
    private Map<String, Object> config;

    TrackioEntries(String project, TrackedRun run) {
        this.project = project;
        this.run = run.name();
        runId = run.earlierId().orElse(run.id());
        config = run.config();
    }

    String runId() {
        return runId;
    }

    /// Entries of the points that have curves.
    List<Map<String, Object>> of(List<TrackedPoint> points) {
        List<Map<String, Object>> entries = new ArrayList<>();
        for (TrackedPoint point : points) {
            Map<String, Double> curves = point.curves();
            if (!curves.isEmpty()) {
                entries.add(entry(point, curves, entries.isEmpty() ? config : Map.of()));
            }
        }
        return entries;
    }

    /// Says that the entries have arrived.
    void delivered() {
        config = Map.of();
    }

    private Map<String, Object> entry(
            TrackedPoint point, Map<String, Double> curves, Map<String, Object> config) {
        Map<String, Object> metrics = new LinkedHashMap<>();
        curves.forEach((key, value) -> metrics.put(key, plain(value)));
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("project", project);
        entry.put("run", run);
        entry.put("run_id", runId);
        entry.put("metrics", metrics);
        entry.put("step", point.index());
        entry.put("timestamp", point.time().toString());
        entry.put("config", config.isEmpty() ? null : config);
        String place = "%s %s %d".formatted(project, runId, point.index());
        entry.put(
                "log_id",
                UUID.nameUUIDFromBytes(place.getBytes(StandardCharsets.UTF_8)).toString());
        return entry;
    }

    /// JSON has no NaN; Trackio reads its name.
    private static Object plain(double value) {
        if (Double.isFinite(value)) {
            return value;
        }
        return Double.toString(value);
    }
}
