package org.attune.reports.page;

import org.attune.trainers.loop.MetricKeys;

import java.util.List;
import java.util.Map;

/// What else than steps the curves of a run may be drawn over: passes over the data, tokens, and
/// the time of its steps. A named tuple; times are without evaluations and pauses.
///
/// @param steps `(P)`
/// @param epochs `(P)`
/// @param tokens `(P)`
/// @param seconds `(P)`
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record RunAxis(double[] steps, double[] epochs, double[] tokens, double[] seconds) {
    private static final int POINTS = 500;

    /// Reads the axis from the lines of `metrics.jsonl`.
    static RunAxis of(List<Map<String, Object>> lines) {
        List<Map<String, Object>> logs =
                lines.stream()
                        .filter(
                                line ->
                                        line.get(MetricKeys.STEP) instanceof Number
                                                && line.get(MetricKeys.NUM_TOKENS)
                                                        instanceof Number)
                        .toList();
        int every = Math.max(1, (logs.size() + POINTS - 1) / POINTS);
        int points = logs.isEmpty() ? 1 : 1 + (logs.size() + every - 1) / every;
        var axis =
                new RunAxis(
                        new double[points],
                        new double[points],
                        new double[points],
                        new double[points]);
        double tokensBefore = 0;
        double seconds = 0;
        int at = 1;
        for (int i = 0; i < logs.size(); i++) {
            Map<String, Object> log = logs.get(i);
            double tokens = number(log, MetricKeys.NUM_TOKENS);
            double rate = number(log, MetricKeys.TOKENS_PER_SECOND);
            seconds += rate > 0 ? Math.max(0, tokens - tokensBefore) / rate : 0;
            tokensBefore = tokens;
            if (i == logs.size() - 1 || (i + 1) % every == 0) {
                axis.steps[at] = number(log, MetricKeys.STEP);
                axis.epochs[at] = number(log, MetricKeys.EPOCH);
                axis.tokens[at] = tokens;
                axis.seconds[at] = seconds;
                at++;
            }
        }
        return axis;
    }

    private static double number(Map<String, Object> log, String key) {
        return log.get(key) instanceof Number n ? n.doubleValue() : 0;
    }
}
