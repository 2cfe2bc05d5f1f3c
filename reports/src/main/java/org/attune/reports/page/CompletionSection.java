package org.attune.reports.page;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Completions by step with their rewards: of the first prompts of a round the best, the median and
/// the worst one.
final class CompletionSection {
    /// Prompts shown of a round.
    private static final int GROUPS = 2;

    private CompletionSection() {}

    static Section of(ReportedRun run) {
        var body = new Html();
        RecordedRounds recorded = run.completions();
        var pictures = new ShownPictures(run.folder());
        if (!recorded.rounds().isEmpty()) {
            body.element(
                    "p",
                    "%d of %d recorded steps; of the first %d prompts of each the best, the median and the worst completion by its weighted sum of rewards."
                            .formatted(recorded.rounds().size(), recorded.recorded(), GROUPS),
                    "class",
                    "hint");
            for (int r = recorded.rounds().size() - 1; r >= 0; r--) {
                boolean last = r == recorded.rounds().size() - 1;
                round(body, pictures, recorded, recorded.rounds().get(r), last);
            }
        }
        return new Section("completions", "Completions by step", body);
    }

    private static void round(
            Html body,
            ShownPictures pictures,
            RecordedRounds recorded,
            RecordedRounds.Round round,
            boolean open) {
        double mean =
                round.answers().stream()
                        .mapToDouble(RecordedRounds.Answer::total)
                        .filter(Double::isFinite)
                        .average()
                        .orElse(Double.NaN);
        String title =
                Double.isNaN(mean)
                        ? "Step %d: %d completions".formatted(round.step(), round.answers().size())
                        : "Step %d: mean reward %s of %d completions"
                                .formatted(
                                        round.step(), Figures.number(mean), round.answers().size());
        if (open) {
            body.open("details", "open", "open");
        } else {
            body.open("details");
        }
        body.element("summary", title);
        List<String> heads = new ArrayList<>(List.of("prompt", "rank", "completion"));
        heads.addAll(recorded.rewards());
        if (recorded.rewards().size() > 1) {
            heads.add("sum");
        }
        body.table(title, heads.toArray(String[]::new));
        Map<Integer, List<RecordedRounds.Answer>> groups = new LinkedHashMap<>();
        for (RecordedRounds.Answer answer : round.answers()) {
            groups.computeIfAbsent(answer.group(), _ -> new ArrayList<>()).add(answer);
        }
        groups.values().stream().limit(GROUPS).forEach(group -> group(body, pictures, group));
        body.endTable().close("details");
    }

    private static void group(
            Html body, ShownPictures pictures, List<RecordedRounds.Answer> group) {
        List<RecordedRounds.Answer> sorted =
                group.stream()
                        .sorted(
                                Comparator.comparingDouble(
                                        a ->
                                                Double.isNaN(a.total())
                                                        ? Double.NEGATIVE_INFINITY
                                                        : a.total()))
                        .toList();
        Map<String, RecordedRounds.Answer> shown = new LinkedHashMap<>();
        shown.put(sorted.size() > 1 ? "best" : "", sorted.getLast());
        if (sorted.size() > 2) {
            shown.put("median", sorted.get(sorted.size() / 2));
        }
        if (sorted.size() > 1) {
            shown.put("worst", sorted.getFirst());
        }
        boolean first = true;
        for (Map.Entry<String, RecordedRounds.Answer> entry : shown.entrySet()) {
            RecordedRounds.Answer answer = entry.getValue();
            body.open("tr");
            if (first) {
                body.open(
                        "th",
                        "scope",
                        "rowgroup",
                        "rowspan",
                        "" + shown.size(),
                        "class",
                        "said",
                        "dir",
                        "auto");
                pictures.add(body, answer.pictures());
                body.text(answer.prompt()).close("th");
            }
            body.element("td", entry.getKey());
            body.element("td", answer.text(), "class", "said", "dir", "auto");
            answer.rewards().forEach(reward -> number(body, reward));
            if (answer.rewards().size() > 1) {
                number(body, answer.total());
            }
            body.close("tr");
            first = false;
        }
    }

    private static void number(Html body, double value) {
        body.element("td", Double.isNaN(value) ? "–" : Figures.number(value), "class", "number");
    }
}
