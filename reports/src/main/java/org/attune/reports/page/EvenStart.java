package org.attune.reports.page;

import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.report.HeldOutRow;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;

/// A run whose policy began as its own reference. Every reward `β · log(π / π_ref)` was 0 then, so
/// what is made of rewards had its value before training by construction: half of all pairs in the
/// right order. What has been learnt is told by the value after, and by how likely the answers are
/// without the reference, which is measured both times.
final class EvenStart {
    private EvenStart() {}

    /// Whether every reward before the first step was 0.
    static boolean isIn(List<HeldOutRow> rows) {
        return !rows.isEmpty() && rows.stream().allMatch(row -> isEven(row.before()));
    }

    private static boolean isEven(Optional<HeldOutRow.Found> before) {
        return MeasuredRow.isEven(before.map(HeldOutRow.Found::values).orElse(Map.of()));
    }

    /// The numbers of such a run.
    ///
    /// @param change of the metric, row by row
    static String words(HeldOutMetric metric, List<HeldOutRow> rows, PairedDifference change) {
        return "%s: %s after, on %d held-out rows. Before, it is %s by construction, since the policy is its reference then. Difference: %s.%s"
                .formatted(
                        metric.key(),
                        Figures.number(change.second()),
                        change.n(),
                        Figures.number(change.first()),
                        change.text(),
                        likelier(rows));
    }

    /// How often the chosen answer is the likelier one by the model alone.
    private static String likelier(List<HeldOutRow> rows) {
        PairedDifference change =
                PairedDifference.of(
                        likelier(rows, HeldOutRow::before), likelier(rows, HeldOutRow::after));
        return change.n() == 0
                ? ""
                : " By the model's own probabilities, the chosen answer was the likelier one in %d of %d pairs before and is in %d after: %s."
                        .formatted(
                                Math.round(change.first() * change.n()),
                                change.n(),
                                Math.round(change.second() * change.n()),
                                change.text());
    }

    private static List<OptionalDouble> likelier(
            List<HeldOutRow> rows, Function<HeldOutRow, Optional<HeldOutRow.Found>> evaluation) {
        return rows.stream()
                .map(row -> evaluation.apply(row).map(HeldOutRow.Found::values).orElse(Map.of()))
                .map(EvenStart::isChosenLikelier)
                .toList();
    }

    private static OptionalDouble isChosenLikelier(Map<String, Double> values) {
        Double chosen = values.get(MetricKeys.LOGPS_CHOSEN);
        Double rejected = values.get(MetricKeys.LOGPS_REJECTED);
        return chosen == null || rejected == null
                ? OptionalDouble.empty()
                : OptionalDouble.of(chosen > rejected ? 1 : 0);
    }
}
