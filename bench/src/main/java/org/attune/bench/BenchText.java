package org.attune.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Benchmarks for readers: a Markdown page, the rows of a table.
public final class BenchText {
    private static final int OPERATORS = 30;

    private BenchText() {}

    /// Four significant digits, or whole numbers above.
    public static String number(double value) {
        double size = Math.abs(value);
        if (!Double.isFinite(value)) {
            return "–";
        }
        if (size >= 1000) {
            return String.format(Locale.ROOT, "%.0f", value);
        }
        int digits = size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.01 || size == 0 ? 3 : 6;
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    /// Least and most of a figure, empty for one run.
    private static String range(List<Map<String, Double>> runs, String name) {
        if (runs.size() < 2) {
            return "";
        }
        double[] all = runs.stream().mapToDouble(run -> run.getOrDefault(name, 0.0)).toArray();
        double least = Arrays.stream(all).min().orElseThrow();
        double most = Arrays.stream(all).max().orElseThrow();
        return " (%s–%s)".formatted(number(least), number(most));
    }

    /// A row per figure: name, Attune, peer, advantage; the last two are empty without a peer.
    public static List<List<String>> rows(BenchResult result) {
        Map<String, Double> advantages = result.advantages();
        List<List<String>> rows = new ArrayList<>();
        result.attune()
                .medians()
                .forEach(
                        (name, value) -> {
                            String ours = number(value) + range(result.attune().runs(), name);
                            String theirs =
                                    result.peer()
                                            .filter(p -> p.medians().containsKey(name))
                                            .map(
                                                    p ->
                                                            number(p.medians().get(name))
                                                                    + range(p.runs(), name))
                                            .orElse("");
                            String ratio =
                                    advantages.containsKey(name)
                                            ? number(advantages.get(name))
                                            : "";
                            rows.add(List.of(name, ours, theirs, ratio));
                        });
        return rows;
    }

    /// The work in a line.
    public static String work(BenchSpec w, ModelShape model) {
        String size =
                switch (w.task()) {
                    case SFT, DPO ->
                            "%d rows a step, up to %d tokens, %s, %s"
                                    .formatted(
                                            w.rows(),
                                            w.length(),
                                            trained(w),
                                            w.data().isPresent()
                                                    ? "demonstration data"
                                                    : "random words");
                    case GRPO ->
                            "%d prompts × %d completions × %d tokens a step, %s, β 0.04"
                                    .formatted(
                                            w.rows(), w.completions(), w.newTokens(), trained(w));
                    case GENERATE ->
                            "%d sequences, prompts of %d tokens, %d new ones"
                                    .formatted(w.rows(), w.prompt(), w.newTokens());
                    case PREFILL -> "%d prompts of %d tokens".formatted(w.rows(), w.prompt());
                };
        return "%s of %s (%d blocks, width %d, vocabulary %d): %s; %d steps after %d of warm-up"
                .formatted(
                        w.task().label(),
                        w.model().getFileName(),
                        model.depth(),
                        model.width(),
                        model.vocabulary(),
                        size,
                        w.steps(),
                        w.warmUp());
    }

    private static String trained(BenchSpec w) {
        return w.full() ? "all weights" : "LoRA r " + w.rank();
    }

    /// `result.md`.
    public static String markdown(BenchResult result) {
        var text = new StringBuilder();
        text.append("# attune bench ").append(result.work().task().label()).append("\n\n");
        text.append(work(result.work(), result.model())).append(".\n\n");
        text.append("- ").append(result.date()).append(", commit ").append(result.commit());
        text.append("\n- ").append(result.machine().text());
        text.append("\n- %s\n- `%s`\n\n".formatted(versions(result), result.command()));
        String other = result.peer().map(BenchResult.Side::name).orElse("peer");
        text.append("Medians of %d runs (least–most)".formatted(result.attune().runs().size()));
        result.peer()
                .ifPresent(
                        p ->
                                text.append(
                                        ", in turn with %s `%s`"
                                                .formatted(
                                                        p.name(), String.join(" ", p.settings()))));
        text.append(".\n\n| | Attune | ")
                .append(other)
                .append(" | advantage |\n|---|---|---|---|\n");
        rows(result).forEach(row -> text.append(line(row)));
        products(text, result);
        profile(text, result);
        return text.toString();
    }

    private static String versions(BenchResult result) {
        return String.join(
                ", ",
                result.versions().entrySet().stream()
                        .map(e -> e.getKey() + " " + e.getValue())
                        .toList());
    }

    /// A row of a Markdown table.
    public static String line(List<String> cells) {
        return "| " + String.join(" | ", cells) + " |\n";
    }

    /// A Markdown table with the two headlines of each result and its memory.
    public static String headlines(List<BenchResult> results) {
        var text = new StringBuilder("| work | figure | Attune | peer | advantage |\n");
        text.append("|---|---|---|---|---|\n");
        for (BenchResult result : results) {
            for (List<String> row : rows(result)) {
                if (isHeadline(result, row.getFirst())) {
                    List<String> cells = new ArrayList<>();
                    cells.add(work(result.work(), result.model()));
                    cells.addAll(row);
                    text.append(line(cells));
                }
            }
        }
        return text.toString();
    }

    private static boolean isHeadline(BenchResult result, String name) {
        BenchTask task = result.work().task();
        return List.of(Figures.PEAK, Figures.DEVICE_PEAK, Figures.START, Figures.SHARE)
                        .contains(name)
                || switch (task) {
                    case SFT -> name.equals(Figures.TOKENS_ALL) || name.equals(Figures.TOKENS);
                    case DPO -> name.equals(Figures.PAIRS_ALL) || name.equals(Figures.PAIRS);
                    case GRPO -> name.equals(Figures.STEP);
                    case GENERATE -> name.equals(Figures.DECODE);
                    case PREFILL -> name.equals(Figures.PREFILL);
                };
    }

    private static void products(StringBuilder text, BenchResult result) {
        text.append("\nProducts by themselves:\n\n| product | n | k | m | a pass | GFLOP/s |\n");
        text.append("|---|---|---|---|---|---|\n");
        for (GemmCeiling.Timed t : result.ceiling().shapes()) {
            text.append(
                    line(
                            List.of(
                                    t.name(),
                                    "" + t.rows(),
                                    "" + t.in(),
                                    "" + t.out(),
                                    "" + t.count(),
                                    number(t.gflops()))));
        }
    }

    private static void profile(StringBuilder text, BenchResult result) {
        if (result.operators().isEmpty()) {
            return;
        }
        text.append("\nOperators by phase, all measured steps of the last run:\n\n");
        text.append("| phase | operator | calls | seconds |\n|---|---|---|---|\n");
        profileRows(result).forEach(row -> text.append(line(row)));
    }

    /// A row per phase and operator, the longest first.
    public static List<List<String>> profileRows(BenchResult result) {
        return result.operators().stream()
                .limit(OPERATORS)
                .map(o -> List.of(o.phase(), o.operator(), "" + o.calls(), number(o.seconds())))
                .toList();
    }
}
