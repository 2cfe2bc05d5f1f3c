package org.attune.reports.page;

import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.report.HeldOutRow;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/// Held-out rows before and after side by side: the first ones, which nobody has chosen, then those
/// that changed most for the worse.
final class HeldOutSection {
    private static final int FIRST = 12;

    private HeldOutSection() {}

    /// @param most rows that became worse
    static Section of(ReportedRun run, int most) {
        var body = new Html();
        Optional<HeldOutMetric> metric = HeldOutMetric.of(run);
        answers(body, run.heldOut());
        if (!run.heldOut().isEmpty() && metric.isPresent()) {
            String metricOfRows = metric.get().ofRows(run.heldOut());
            String name = finer(run.heldOut(), metricOfRows);
            margins(body, run.heldOut());
            table(body, run, "The first rows", run.heldOut().stream().limit(FIRST).toList(), name);
            List<HeldOutRow> worst = worse(run.heldOut(), name, metric.get().lowerIsBetter(), most);
            if (!worst.isEmpty()) {
                table(body, run, "Rows that became worse, the largest losses first", worst, name);
            }
        }
        return new Section("heldout", "Held-out rows before and after", body);
    }

    /// What a user of the model will read, beside the answers that the rows have.
    private static void answers(Html body, List<HeldOutRow> rows) {
        List<HeldOutRow> answered = rows.stream().filter(row -> !row.given().isEmpty()).toList();
        if (answered.isEmpty()) {
            return;
        }
        Set<String> names = new LinkedHashSet<>();
        answered.forEach(row -> names.addAll(row.given().keySet()));
        List<String> heads = new ArrayList<>(List.of("prompt"));
        heads.addAll(names);
        heads.addAll(List.of("the model before", "the model after"));
        String title = "What the model writes to the first prompts";
        body.element("h3", title).table(title, heads.toArray(String[]::new));
        for (HeldOutRow row : answered) {
            body.open("tr").open("th", "scope", "row", "class", "said", "dir", "auto");
            body.text(RecordedRounds.cut(row.prompt())).close("th");
            names.forEach(name -> said(body, row.given().getOrDefault(name, "")));
            said(body, row.before().map(HeldOutRow.Found::completion).orElse(""));
            said(body, row.after().map(HeldOutRow.Found::completion).orElse(""));
            body.close("tr");
        }
        body.endTable();
    }

    private static void said(Html body, String text) {
        body.element("td", RecordedRounds.cut(text), "class", "said", "dir", "auto");
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
            List<HeldOutRow> rows, String metric, boolean lowerIsBetter, int most) {
        double sign = lowerIsBetter ? -1 : 1;
        Comparator<HeldOutRow> byLoss =
                Comparator.comparingDouble(row -> sign * change(row, metric));
        return rows.stream()
                .filter(row -> sign * change(row, metric) < 0)
                .sorted(byLoss)
                .limit(most)
                .toList();
    }

    private static double change(HeldOutRow row, String metric) {
        return value(row.after(), metric) - value(row.before(), metric);
    }

    private static double value(Optional<HeldOutRow.Found> found, String metric) {
        return found.map(f -> f.values().get(metric)).orElse(Double.NaN);
    }

    private static void table(
            Html body, ReportedRun run, String title, List<HeldOutRow> rows, String metric) {
        var pictures = new ShownPictures(run.folder());
        boolean texts = rows.stream().allMatch(row -> row.where().isEmpty());
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
            pictures.add(body, row.pictures());
            body.text(RecordedRounds.cut(texts ? row.prompt() : name(run, row))).close("th");
            side(body, row.before(), texts, metric);
            side(body, row.after(), texts, metric);
            body.close("tr");
        }
        body.endTable();
    }

    /// Place and text of a row that was given.
    private static String name(ReportedRun run, HeldOutRow row) {
        String where = run.fromDirectory(row.where());
        return RowText.of(row.where()).map(text -> where + '\n' + text).orElse(where);
    }

    private static void side(
            Html body, Optional<HeldOutRow.Found> found, boolean texts, String metric) {
        if (texts) {
            said(body, found.map(HeldOutRow.Found::completion).orElse(""));
        }
        Double value = found.map(f -> f.values().get(metric)).orElse(null);
        body.element("td", value == null ? "–" : Figures.number(value), "class", "number");
    }
}
