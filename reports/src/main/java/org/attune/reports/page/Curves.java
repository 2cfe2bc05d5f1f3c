package org.attune.reports.page;

import org.attune.trainers.loop.MetricKeys;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Which metrics stand in which chart: what belongs together in one, held out beside training.
final class Curves {
    /// Points of all curves together, so that a page stays small whatever it shows.
    private static final int POINTS = 60_000;

    private static final int MOST = 1000;
    private static final int LEAST = 100;

    /// Axes, and what stands elsewhere on the page.
    private static final Pattern LEFT_OUT =
            Pattern.compile(
                    "step|epoch|num_tokens|runtime|train_.*|samples_per_second|steps_per_second");

    private static final String BY_FUNCTION = "rewards by function";
    private static final Pattern SIDE = Pattern.compile("(.+)/(chosen|rejected)");
    private static final Pattern FUNCTION = Pattern.compile("rewards/(.+)/(mean|std)");
    private static final Pattern LENGTH =
            Pattern.compile("completions/(min|mean|max)_(length|terminated_length)");
    private static final Pattern CLIP = Pattern.compile("clip_ratio/(.+)");

    /// What is looked at first.
    private static final List<String> ORDER =
            List.of(
                    "loss",
                    "reward",
                    BY_FUNCTION,
                    "preference_accuracy",
                    "accuracy",
                    "rewards/accuracies",
                    "rewards/margins",
                    "margin",
                    "rewards/chosen and rejected",
                    "mean_token_accuracy",
                    "reward_std",
                    "kl",
                    "entropy",
                    "grad_norm",
                    "learning_rate",
                    "completions/length",
                    "completions/terminated_length",
                    "tokens_per_second");

    private Curves() {}

    /// A chart.
    ///
    /// @param title its metric
    record Chart(String title, List<Curve> curves) {}

    /// The charts of some runs, whose curves lie over each other.
    static List<Chart> of(List<ReportedRun> runs) {
        Map<String, List<Curve>> charts = new LinkedHashMap<>();
        Map<String, List<String>> coloured = new LinkedHashMap<>();
        int count = 0;
        for (int r = 0; r < runs.size(); r++) {
            String of = runs.size() == 1 ? "" : runs.get(r).name() + " · ";
            Map<String, List<double[]>> metrics = metrics(runs.get(r));
            boolean several = functions(metrics) > 1;
            for (String key : ordered(metrics)) {
                Place place = place(key);
                if (!several && place.chart().startsWith(BY_FUNCTION)) {
                    continue; // the same as the reward
                }
                List<String> colours =
                        coloured.computeIfAbsent(place.chart(), _ -> new ArrayList<>());
                String line = of + plain(key);
                if (!colours.contains(line)) {
                    colours.add(line);
                }
                charts.computeIfAbsent(place.chart(), _ -> new ArrayList<>())
                        .add(
                                curve(
                                        r,
                                        of + key,
                                        colours.indexOf(line),
                                        place.heldOut(),
                                        metrics.get(key)));
                count++;
            }
        }
        int points = Math.clamp(POINTS / Math.max(1, count), LEAST, MOST);
        return charts.entrySet().stream()
                .sorted(Comparator.comparingInt(chart -> rank(chart.getKey())))
                .map(chart -> new Chart(chart.getKey(), thinned(chart.getValue(), points)))
                .toList();
    }

    private static long functions(Map<String, List<double[]>> metrics) {
        return metrics.keySet().stream()
                .map(key -> FUNCTION.matcher(plain(key)))
                .filter(Matcher::matches)
                .map(function -> function.group(1))
                .distinct()
                .count();
    }

    /// Training before what is held out.
    private static List<String> ordered(Map<String, List<double[]>> metrics) {
        return metrics.keySet().stream()
                .sorted(Comparator.comparing((String key) -> !key.equals(plain(key))))
                .toList();
    }

    private static List<Curve> thinned(List<Curve> curves, int points) {
        return curves.stream().map(curve -> curve.thinned(points)).toList();
    }

    private static int rank(String chart) {
        int known = ORDER.indexOf(chart);
        return known < 0 ? ORDER.size() : known;
    }

    /// Steps and finite values of each metric, in the order of the file's keys.
    private static Map<String, List<double[]>> metrics(ReportedRun run) {
        Map<String, List<double[]>> metrics = new LinkedHashMap<>();
        for (Map<String, Object> line : run.metrics()) {
            if (!(line.get(MetricKeys.STEP) instanceof Number step)) {
                continue;
            }
            line.forEach(
                    (key, value) -> {
                        if (value instanceof Number n && Double.isFinite(n.doubleValue())) {
                            metrics.computeIfAbsent(key, _ -> new ArrayList<>())
                                    .add(new double[] {step.doubleValue(), n.doubleValue()});
                        }
                    });
        }
        metrics.keySet().removeIf(key -> LEFT_OUT.matcher(plain(key)).matches());
        return metrics;
    }

    private static Curve curve(
            int run, String name, int colour, boolean heldOut, List<double[]> points) {
        points.sort(Comparator.comparingDouble(point -> point[0]));
        var last = new ArrayList<double[]>(); // of each step: a resumed run may tell one again
        for (double[] point : points) {
            if (!last.isEmpty() && last.getLast()[0] == point[0]) {
                last.removeLast();
            }
            last.add(point);
        }
        return new Curve(
                run,
                name,
                colour,
                heldOut,
                last.stream().mapToDouble(point -> point[0]).toArray(),
                last.stream().mapToDouble(point -> point[1]).toArray(),
                new double[0]);
    }

    private static String plain(String key) {
        return key.startsWith(MetricKeys.EVAL_PREFIX)
                ? key.substring(MetricKeys.EVAL_PREFIX.length())
                : key;
    }

    /// @param chart title of the chart
    private record Place(String chart, boolean heldOut) {}

    private static Place place(String key) {
        String plain = plain(key);
        boolean heldOut = !plain.equals(key);
        Matcher side = SIDE.matcher(plain);
        if (side.matches()) {
            return new Place(side.group(1) + "/chosen and rejected", heldOut);
        }
        Matcher function = FUNCTION.matcher(plain);
        if (function.matches()) {
            boolean mean = function.group(2).equals("mean");
            return new Place(mean ? BY_FUNCTION : BY_FUNCTION + " (deviation)", heldOut);
        }
        Matcher length = LENGTH.matcher(plain);
        if (length.matches()) {
            return new Place("completions/" + length.group(2), heldOut);
        }
        return new Place(CLIP.matcher(plain).matches() ? "clip_ratio" : plain, heldOut);
    }
}
