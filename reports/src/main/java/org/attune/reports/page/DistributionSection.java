package org.attune.reports.page;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/// How rewards and lengths of completions are spread, early and late, and how rewards go together.
final class DistributionSection {
    private DistributionSection() {}

    static Section of(ReportedRun run) {
        var body = new Html();
        RecordedRounds recorded = run.completions();
        if (!recorded.rounds().isEmpty()) {
            body.open("div", "class", "charts");
            spread(body, recorded, "reward", RecordedRounds.Answer::total);
            for (int f = 0; f < recorded.rewards().size() && recorded.rewards().size() > 1; f++) {
                int function = f;
                spread(body, recorded, recorded.rewards().get(f), a -> a.rewards().get(function));
            }
            spread(body, recorded, "length in characters", a -> a.text().length());
            body.close("div");
            correlations(body, recorded);
        }
        return new Section("spread", "Rewards and lengths of completions", body);
    }

    private static void spread(
            Html body,
            RecordedRounds recorded,
            String what,
            ToDoubleFunction<RecordedRounds.Answer> number) {
        Map<String, double[]> numbers = new LinkedHashMap<>();
        List<RecordedRounds.Round> ends = new ArrayList<>();
        ends.add(recorded.rounds().getFirst());
        if (recorded.rounds().size() > 1) {
            ends.add(recorded.rounds().getLast());
        }
        for (RecordedRounds.Round round : ends) {
            double[] finite =
                    round.answers().stream().mapToDouble(number).filter(Double::isFinite).toArray();
            if (finite.length > 0) {
                numbers.put("step " + round.step(), finite);
            }
        }
        if (!numbers.isEmpty()) {
            figure(body, what, numbers);
        }
    }

    /// A histogram with its numbers.
    static void figure(Html body, String title, Map<String, double[]> numbers) {
        Bins bins = Bins.of(numbers);
        if (bins.count() == 0) {
            return;
        }
        body.open("figure", "class", "chart").element("figcaption", title + ", share in %");
        body.add(Drawing.bars(label(title, numbers), bins));
        body.add(
                Drawing.names(
                        bins.groups().stream()
                                .map(group -> group + ": mean " + mean(numbers.get(group)))
                                .toList()));
        body.close("figure");
    }

    private static String mean(double[] values) {
        return Figures.number(Arrays.stream(values).average().orElse(Double.NaN));
    }

    private static String label(String title, Map<String, double[]> numbers) {
        var label = new StringBuilder("Histogram of ").append(title);
        numbers.forEach(
                (name, values) ->
                        label.append("; ")
                                .append(name)
                                .append(": ")
                                .append(values.length)
                                .append(" values, mean ")
                                .append(mean(values)));
        return label.toString();
    }

    private static void correlations(Html body, RecordedRounds recorded) {
        List<String> names = recorded.rewards();
        if (names.size() < 2) {
            return;
        }
        String title = "Correlations of rewards";
        List<String> heads = new ArrayList<>(List.of("reward"));
        heads.addAll(names);
        heads.add("length");
        body.element("h3", title).table(title, heads.toArray(String[]::new));
        List<RecordedRounds.Answer> answers =
                recorded.rounds().stream().flatMap(round -> round.answers().stream()).toList();
        for (int i = 0; i < names.size(); i++) {
            int first = i;
            List<String> cells = new ArrayList<>(List.of(names.get(i)));
            for (int j = 0; j < names.size(); j++) {
                int second = j;
                cells.add(
                        correlation(
                                answers,
                                a -> a.rewards().get(first),
                                a -> a.rewards().get(second)));
            }
            cells.add(correlation(answers, a -> a.rewards().get(first), a -> a.text().length()));
            body.row(cells.toArray(String[]::new));
        }
        body.endTable();
        body.element(
                "p",
                "Pearson's coefficient over the %d completions of %d recorded steps; – where one of them never changes."
                        .formatted(answers.size(), recorded.rounds().size()),
                "class",
                "hint");
    }

    private static String correlation(
            List<RecordedRounds.Answer> answers,
            ToDoubleFunction<RecordedRounds.Answer> first,
            ToDoubleFunction<RecordedRounds.Answer> second) {
        double[][] pairs =
                answers.stream()
                        .map(a -> new double[] {first.applyAsDouble(a), second.applyAsDouble(a)})
                        .filter(pair -> Double.isFinite(pair[0]) && Double.isFinite(pair[1]))
                        .toArray(double[][]::new);
        double meanFirst = 0;
        double meanSecond = 0;
        for (double[] pair : pairs) {
            meanFirst += pair[0] / pairs.length;
            meanSecond += pair[1] / pairs.length;
        }
        double both = 0;
        double squaresFirst = 0;
        double squaresSecond = 0;
        for (double[] pair : pairs) {
            both += (pair[0] - meanFirst) * (pair[1] - meanSecond);
            squaresFirst += (pair[0] - meanFirst) * (pair[0] - meanFirst);
            squaresSecond += (pair[1] - meanSecond) * (pair[1] - meanSecond);
        }
        double spread = Math.sqrt(squaresFirst) * Math.sqrt(squaresSecond);
        return spread > 1e-12 ? String.format(Locale.ROOT, "%.2f", both / spread) : "–";
    }
}
