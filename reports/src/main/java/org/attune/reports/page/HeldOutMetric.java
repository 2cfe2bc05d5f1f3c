package org.attune.reports.page;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.report.HeldOutRow;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;

/// The metric by which a run is judged, before training and after it.
///
/// @param key with its prefix, e.g. `eval_loss`
/// @param n rows it was measured on; 0 if it isn't known
/// @param before its first value
/// @param after its newest value, or the result's
public record HeldOutMetric(String key, int n, OptionalDouble before, OptionalDouble after) {
    /// What runs that left no summary are judged by, the first that they have.
    private static final List<String> METRICS =
            List.of(
                    MetricKeys.REWARD,
                    MetricKeys.PREFERENCE_ACCURACY,
                    MetricKeys.ACCURACY,
                    MetricKeys.LOSS);

    /// @return empty if nothing was evaluated
    static Optional<HeldOutMetric> of(ReportedRun run) {
        return run.isOver() && isIn(run.summary())
                ? Optional.of(of(run.summary()))
                : newest(run.metrics(), run.heldOut().size());
    }

    /// Whether a run's summary tells of held-out rows.
    public static boolean isIn(JsonNode summary) {
        return summary.path("heldout").isObject();
    }

    /// What a summary tells.
    public static HeldOutMetric of(JsonNode summary) {
        JsonNode told = summary.path("heldout");
        return new HeldOutMetric(
                told.path("metric").asText(),
                told.path("n").asInt(),
                number(told.path("before")),
                number(told.path("after")));
    }

    /// What lines of `metrics.jsonl` tell.
    ///
    /// @param n rows it was measured on; 0 if it isn't known
    /// @return empty if nothing was evaluated
    public static Optional<HeldOutMetric> newest(List<Map<String, Object>> lines, int n) {
        for (String metric : METRICS) {
            String key = MetricKeys.EVAL_PREFIX + metric;
            double[] values =
                    lines.stream()
                            .map(line -> line.get(key))
                            .filter(Number.class::isInstance)
                            .mapToDouble(value -> ((Number) value).doubleValue())
                            .toArray();
            if (values.length > 0) {
                return Optional.of(
                        new HeldOutMetric(
                                key,
                                n,
                                OptionalDouble.of(values[0]),
                                values.length == 1
                                        ? OptionalDouble.empty()
                                        : OptionalDouble.of(values[values.length - 1])));
            }
        }
        return Optional.empty();
    }

    private static OptionalDouble number(JsonNode node) {
        return node.isNumber() ? OptionalDouble.of(node.doubleValue()) : OptionalDouble.empty();
    }

    boolean lowerIsBetter() {
        return key.endsWith("loss");
    }

    /// What a row's value of the metric is called: the key without prefix and set.
    String ofRows(List<HeldOutRow> rows) {
        String plain = key.substring(MetricKeys.EVAL_PREFIX.length());
        return METRICS.stream()
                .filter(metric -> plain.equals(metric) || plain.endsWith("_" + metric))
                .filter(metric -> rows.stream().anyMatch(row -> has(row, metric)))
                .findFirst()
                .orElse(plain);
    }

    private static boolean has(HeldOutRow row, String metric) {
        return row.before().or(row::after).filter(f -> f.values().containsKey(metric)).isPresent();
    }

    /// The rows' values by one evaluation.
    static List<OptionalDouble> values(
            List<HeldOutRow> rows,
            Function<HeldOutRow, Optional<HeldOutRow.Found>> evaluation,
            String metric) {
        return rows.stream()
                .map(row -> evaluation.apply(row).map(found -> found.values().get(metric)))
                .map(value -> value.map(OptionalDouble::of).orElse(OptionalDouble.empty()))
                .toList();
    }

    /// After minus before over the rows; empty if no rows were recorded for both.
    Optional<PairedDifference> change(List<HeldOutRow> rows) {
        String metric = ofRows(rows);
        PairedDifference change =
                PairedDifference.of(
                        values(rows, HeldOutRow::before, metric),
                        values(rows, HeldOutRow::after, metric));
        return change.n() == 0 ? Optional.empty() : Optional.of(change);
    }
}
