package org.attune.trainers;

import java.util.LinkedHashMap;
import java.util.Map;

/// Wall time by phase. A phase inside another counts for itself only. For one thread.
/// ```
/// try (var _ = clock.enter("evaluate")) { … }
/// ```
public final class PhaseClock {
    private final Map<String, Long> nanos = new LinkedHashMap<>();
    private String current = "";
    private long since = System.nanoTime();

    /// Starts a phase, which ends when the result is closed.
    public Phase enter(String phase) {
        String outer = current;
        switchTo(phase);
        return () -> switchTo(outer);
    }

    /// Ends a phase.
    public interface Phase extends AutoCloseable {
        @Override
        void close();
    }

    /// Seconds of each phase so far, in the order of their first start.
    public Map<String, Double> seconds() {
        switchTo(current);
        Map<String, Double> seconds = new LinkedHashMap<>();
        nanos.forEach((phase, time) -> seconds.put(phase, time / 1e9));
        return seconds;
    }

    /// Seconds of one phase so far.
    public double seconds(String phase) {
        return seconds().getOrDefault(phase, 0.0);
    }

    private void switchTo(String phase) {
        long now = System.nanoTime();
        if (!current.isEmpty()) {
            nanos.merge(current, now - since, Long::sum);
        }
        if (!phase.isEmpty()) {
            nanos.putIfAbsent(phase, 0L);
        }
        since = now;
        current = phase;
    }
}
