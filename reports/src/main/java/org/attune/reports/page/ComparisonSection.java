package org.attune.reports.page;

import org.attune.trainers.report.HeldOutRow;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// Several runs: what became of each, how they differ on the same held-out rows, and what each
/// answers to the same prompts.
final class ComparisonSection {
    private static final int ROWS = 12;

    private ComparisonSection() {}

    static Section table(List<ReportedRun> runs) {
        var body = new Html();
        String title = "Held out, before and after";
        body.table(title, "run", "metric", "rows", "before", "after", "change");
        for (ReportedRun run : runs) {
            Optional<HeldOutMetric> metric = HeldOutMetric.of(run);
            if (metric.isEmpty()) {
                body.row(run.name(), "not measured", "–", "–", "–", "–");
                continue;
            }
            HeldOutMetric m = metric.get();
            body.row(
                    run.name(),
                    m.key(),
                    m.n() > 0 ? "" + m.n() : "–",
                    shown(m.before()),
                    shown(m.after()),
                    m.change(run.heldOut())
                            .map(PairedDifference::text)
                            .orElse("unknown: single rows were not recorded"));
        }
        body.endTable();
        differences(body, runs);
        return new Section("comparison", title, body);
    }

    private static String shown(OptionalDouble value) {
        return value.isPresent() ? Figures.number(value.getAsDouble()) : "–";
    }

    /// Each run against the first one, on the rows that both have.
    private static void differences(Html body, List<ReportedRun> runs) {
        ReportedRun first = runs.getFirst();
        Optional<HeldOutMetric> metric = HeldOutMetric.of(first);
        if (metric.isEmpty() || first.heldOut().isEmpty()) {
            body.element(
                    "p",
                    "The first run recorded no held-out rows, so no differences are computed.");
            return;
        }
        body.element("h3", "Differences from " + first.name() + " on the same rows");
        body.open("ul");
        String name = metric.get().ofRows(first.heldOut());
        for (ReportedRun run : runs.subList(1, runs.size())) {
            List<OptionalDouble> here = new ArrayList<>();
            List<OptionalDouble> there = new ArrayList<>();
            pairs(first, run)
                    .forEach(
                            pair -> {
                                here.add(value(pair.get(0), name));
                                there.add(value(pair.get(1), name));
                            });
            PairedDifference difference = PairedDifference.of(here, there);
            body.element("li", run.name() + ": " + words(difference, metric.get(), name));
        }
        body.close("ul");
    }

    private static String words(PairedDifference difference, HeldOutMetric metric, String name) {
        if (difference.n() == 0) {
            return "no rows in common that both measured after training";
        }
        boolean better = difference.difference() < 0 == metric.lowerIsBetter();
        String verdict = difference.isClear() ? better ? "better" : "worse" : "no clear difference";
        return "%s, %s %s".formatted(verdict, name, difference.text());
    }

    private static OptionalDouble value(HeldOutRow row, String metric) {
        Double value = row.after().map(found -> found.values().get(metric)).orElse(null);
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    /// Rows of both runs that are the same: equal prompts or places, in the order of the first.
    private static List<List<HeldOutRow>> pairs(ReportedRun first, ReportedRun second) {
        Map<String, HeldOutRow> others = numbered(second.heldOut());
        List<List<HeldOutRow>> pairs = new ArrayList<>();
        numbered(first.heldOut())
                .forEach(
                        (key, row) -> {
                            if (others.containsKey(key)) {
                                pairs.add(List.of(row, others.get(key)));
                            }
                        });
        return pairs;
    }

    /// Held-out rows by prompt and place; those that come again are numbered.
    private static Map<String, HeldOutRow> numbered(List<HeldOutRow> rows) {
        Map<String, HeldOutRow> byKey = new LinkedHashMap<>();
        Map<String, Integer> seen = new LinkedHashMap<>();
        for (HeldOutRow row : rows) {
            String key = row.where() + '\n' + row.prompt();
            byKey.put(key + '\n' + seen.merge(key, 1, Integer::sum), row);
        }
        return byKey;
    }

    /// What each run answers to the prompts that all have.
    static Section answers(List<ReportedRun> runs) {
        var body = new Html();
        List<Map<String, HeldOutRow>> all =
                runs.stream().map(run -> numbered(run.heldOut())).toList();
        List<String> keys =
                all.getFirst().entrySet().stream()
                        .filter(e -> !e.getValue().prompt().isEmpty())
                        .map(Map.Entry::getKey)
                        .filter(key -> all.stream().allMatch(rows -> rows.containsKey(key)))
                        .limit(ROWS)
                        .toList();
        String title = "The same prompts, answered by each";
        if (!keys.isEmpty()) {
            List<String> heads = new ArrayList<>(List.of("prompt"));
            runs.forEach(run -> heads.add(run.name()));
            body.table(title, heads.toArray(String[]::new));
            for (String key : keys) {
                body.open("tr").open("th", "scope", "row", "class", "said", "dir", "auto");
                body.text(RecordedRounds.cut(all.getFirst().get(key).prompt())).close("th");
                all.forEach(rows -> answer(body, rows.get(key)));
                body.close("tr");
            }
            body.endTable();
        }
        return new Section("answers", title, body);
    }

    private static void answer(Html body, HeldOutRow row) {
        Optional<HeldOutRow.Found> found = row.after().or(row::before);
        String value =
                found.flatMap(f -> f.values().entrySet().stream().findFirst())
                        .map(v -> v.getKey() + " " + Figures.number(v.getValue()))
                        .orElse("");
        body.open("td", "class", "said", "dir", "auto");
        body.text(RecordedRounds.cut(found.map(HeldOutRow.Found::completion).orElse("")));
        body.element("span", value, "class", "score").close("td");
    }
}
