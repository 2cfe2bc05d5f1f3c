package org.attune.trainers.page;

import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.report.HeldOutRow;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Held-out rows before and after side by side: the first ones, which nobody has chosen, then those
/// that changed most for the worse.
final class HeldOutSection {
    private static final int FIRST = 12;
    private static final int WORST = 8;

    private HeldOutSection() {}

    static Section of(ReportedRun run) {
        var body = new Html();
        Optional<HeldOutMetric> metric = HeldOutMetric.of(run);
        if (!run.heldOut().isEmpty() && metric.isPresent()) {
            String metricOfRows = metric.get().ofRows(run.heldOut());
            String name = finer(run.heldOut(), metricOfRows);
            margins(body, run.heldOut());
            table(body, "The first rows", run.heldOut().stream().limit(FIRST).toList(), name);
            List<HeldOutRow> worst = worse(run.heldOut(), name, metric.get().lowerIsBetter());
            if (!worst.isEmpty()) {
                table(body, "Rows that became worse, the largest losses first", worst, name);
            }
        }
        return new Section("heldout", "Held-out rows before and after", body);
    }

    /// Right and wrong tell little of a pair; its margin tells how much.
    private static String finer(List<HeldOutRow> rows, String metric) {
        boolean margins =
                rows.stream()
                        .anyMatch(
                                row ->
                                        !Double.isNaN(
                                                value(row.after(), MetricKeys.REWARDS_MARGINS)));
        return metric.equals(MetricKeys.PREFERENCE_ACCURACY) && margins
                ? MetricKeys.REWARDS_MARGINS
                : metric;
    }

    private static void margins(Html body, List<HeldOutRow> rows) {
        var figures = new Html();
        for (String metric :
                List.of(
                        MetricKeys.REWARDS_MARGINS,
                        MetricKeys.REWARDS_CHOSEN,
                        MetricKeys.REWARDS_REJECTED)) {
            Map<String, double[]> numbers = new LinkedHashMap<>();
            numbers.put("before", values(rows.stream().map(HeldOutRow::before).toList(), metric));
            numbers.put("after", values(rows.stream().map(HeldOutRow::after).toList(), metric));
            numbers.values().removeIf(values -> values.length == 0);
            if (!numbers.isEmpty()) {
                DistributionSection.figure(figures, metric + " of held-out rows", numbers);
            }
        }
        if (!figures.isEmpty()) {
            body.open("div", "class", "charts").add(figures).close("div");
        }
    }

    private static double[] values(List<Optional<HeldOutRow.Found>> found, String metric) {
        return found.stream()
                .flatMap(Optional::stream)
                .map(f -> f.values().get(metric))
                .filter(Objects::nonNull)
                .mapToDouble(v -> v)
                .toArray();
    }

    private static List<HeldOutRow> worse(
            List<HeldOutRow> rows, String metric, boolean lowerIsBetter) {
        double sign = lowerIsBetter ? -1 : 1;
        Comparator<HeldOutRow> byLoss =
                Comparator.comparingDouble(row -> sign * change(row, metric));
        return rows.stream()
                .filter(row -> sign * change(row, metric) < 0)
                .sorted(byLoss)
                .limit(WORST)
                .toList();
    }

    private static double change(HeldOutRow row, String metric) {
        return value(row.after(), metric) - value(row.before(), metric);
    }

    private static double value(Optional<HeldOutRow.Found> found, String metric) {
        return found.map(f -> f.values().get(metric)).orElse(Double.NaN);
    }

    private static void table(Html body, String title, List<HeldOutRow> rows, String metric) {
        boolean texts = rows.stream().anyMatch(row -> !row.prompt().isEmpty());
        List<String> heads = new ArrayList<>(List.of(texts ? "prompt" : "row"));
        for (String side : List.of("before", "after")) {
            if (texts) {
                heads.add(side);
            }
            heads.add(metric + " " + side);
        }
        body.element("h3", title).table(title, heads.toArray(String[]::new));
        for (HeldOutRow row : rows) {
            body.open("tr").open("th", "scope", "row", "class", "said");
            body.text(RecordedRounds.cut(texts ? row.prompt() : name(row))).close("th");
            side(body, row.before(), texts, metric);
            side(body, row.after(), texts, metric);
            body.close("tr");
        }
        body.endTable();
    }

    /// Place and text of a row that was given.
    private static String name(HeldOutRow row) {
        return RowText.of(row.where()).map(text -> row.where() + '\n' + text).orElse(row.where());
    }

    private static void side(
            Html body, Optional<HeldOutRow.Found> found, boolean texts, String metric) {
        if (texts) {
            String said = found.map(HeldOutRow.Found::completion).orElse("");
            body.element("td", RecordedRounds.cut(said), "class", "said", "dir", "auto");
        }
        Double value = found.map(f -> f.values().get(metric)).orElse(null);
        body.element("td", value == null ? "–" : Figures.number(value), "class", "number");
    }
}
