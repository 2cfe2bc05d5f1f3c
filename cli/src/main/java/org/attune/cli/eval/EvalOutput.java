package org.attune.cli.eval;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ConfigException;
import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.models.eval.EvalResult;
import org.attune.models.eval.EvalRow;
import org.attune.models.eval.Interval;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/// Shows what an evaluation found.
///
/// @param title what was asked
/// @param measured one model, or two to compare
record EvalOutput(String title, List<Measured> measured) {
    private static final int WIDEST = 28;

    /// A model with its result.
    record Measured(String label, EvalResult result) {}

    private boolean isAccuracy() {
        return measured.stream().allMatch(m -> m.result().isAccuracy());
    }

    private int samples() {
        return measured.getFirst().result().samples();
    }

    /// Prints a table of the means, then the first problems with their completions.
    void print(PrintWriter out, int shown) {
        int width = measured.stream().mapToInt(m -> m.label().length()).max().orElse(0);
        width = Math.max(width, "difference".length());
        String passes = samples() > 1 && isAccuracy() ? "    pass@" + samples() : "";
        out.println(title);
        out.println();
        out.printf(
                "  %-" + width + "s %6s %10s   %-20s%s%n",
                "",
                "n",
                isAccuracy() ? "accuracy" : "mean",
                "95 % interval",
                passes);
        for (Measured m : measured) {
            EvalResult result = m.result();
            out.printf(
                    "  %-" + width + "s %6d %10s   %-20s%s%n",
                    m.label(),
                    result.n(),
                    number(result.mean(), false),
                    result.interval().map(i -> interval(i, false)).orElse("no reward"),
                    passes.isEmpty() ? "" : "  " + number(result.passAt(samples()), false));
        }
        if (measured.size() == 2) {
            EvalResult.Difference d = measured.get(0).result().to(measured.get(1).result());
            out.printf(
                    "  %-" + width + "s %6d %10s   %-20s%n",
                    "difference",
                    d.n(),
                    number(d.mean(), true),
                    interval(d.interval(), true));
        }
        printCompletions(out, shown);
        out.flush();
    }

    private void printCompletions(PrintWriter out, int shown) {
        List<EvalRow> rows = measured.getFirst().result().rows();
        int count = Math.min(shown, rows.size());
        for (int i = 0; i < count; i++) {
            out.println();
            out.println("  " + line(rows.get(i).problem().text(), 2 * WIDEST));
            for (Measured m : measured) {
                EvalRow row = m.result().rows().get(i);
                out.printf(
                        "    %-" + WIDEST + "s reward %-5s %s%n",
                        line(row.completions().getFirst(), WIDEST),
                        reward(row.rewards().getFirst()),
                        measured.size() == 1 ? "" : m.label());
            }
        }
    }

    private String interval(Interval interval, boolean signed) {
        return number(interval.low(), signed) + " to " + number(interval.high(), signed);
    }

    /// A share in percent, or a mean reward; differences have a sign.
    private String number(double value, boolean signed) {
        if (Double.isNaN(value)) {
            return "unknown";
        }
        String format = signed ? "%+" : "%";
        return isAccuracy()
                ? String.format(Locale.ROOT, format + ".1f %%", 100 * value)
                : String.format(Locale.ROOT, format + ".4f", value);
    }

    private static String reward(OptionalDouble reward) {
        return reward.isEmpty() ? "none" : String.format(Locale.ROOT, "%.3g", reward.getAsDouble());
    }

    private static String line(String text, int width) {
        String line = text.strip().replaceAll("\\s+", " ");
        return line.length() <= width ? line : line.substring(0, width - 1) + "…";
    }

    /// What was found: `{"questions", "results": […], "difference", "rows": […]}`; the shares are
    /// out of 1.
    ///
    /// @param shown rows of each model to give
    ObjectNode json(int shown) {
        ObjectNode node = Json.object().put("questions", title);
        ArrayNode results = node.putArray("results");
        for (Measured m : measured) {
            ObjectNode result = results.addObject().put("model", m.label());
            result.put("n", m.result().n());
            put(result, isAccuracy() ? "accuracy" : "mean_reward", m.result().mean());
            m.result().interval().ifPresent(i -> put(result, i));
        }
        if (measured.size() == 2) {
            EvalResult.Difference d = measured.get(0).result().to(measured.get(1).result());
            ObjectNode difference = node.putObject("difference").put("n", d.n());
            put(difference, "second_minus_first", d.mean());
            put(difference, d.interval());
        }
        ArrayNode rows = node.putArray("rows");
        for (Measured m : measured) {
            m.result().rows().stream().limit(shown).forEach(row -> rows.add(json(m.label(), row)));
        }
        return node;
    }

    private static void put(ObjectNode node, Interval interval) {
        put(node, "low_95", interval.low());
        put(node, "high_95", interval.high());
    }

    /// JSON has no NaN.
    private static void put(ObjectNode node, String name, double value) {
        node.put(name, Double.isFinite(value) ? value : null);
    }

    /// Writes a line per problem and model: `{"model", "prompt", columns…, "completions",
    /// "rewards"}`; of several tasks each says which in `task`.
    static void write(List<EvalOutput> outputs, Path file) {
        var text = new StringBuilder();
        for (EvalOutput output : outputs) {
            for (Measured m : output.measured()) {
                for (EvalRow row : m.result().rows()) {
                    ObjectNode node = json(m.label(), row);
                    if (outputs.size() > 1) {
                        node.put("task", output.title());
                    }
                    text.append(node).append('\n');
                }
            }
        }
        try {
            AtomicFile.writeText(file, text.toString());
        } catch (IOException e) {
            throw new ConfigException("--out %s can't be written: %s".formatted(file, e), e);
        }
    }

    private static ObjectNode json(String label, EvalRow row) {
        ObjectNode node = Json.object().put("model", label);
        row.problem()
                .columns()
                .forEach(
                        (name, value) ->
                                node.set(
                                        name,
                                        name.equals("prompt") // it may hold pictures
                                                ? null
                                                : Json.MAPPER.valueToTree(value)));
        node.put("prompt", row.problem().text());
        ArrayNode completions = node.putArray("completions");
        row.completions().forEach(completions::add);
        ArrayNode rewards = node.putArray("rewards");
        for (OptionalDouble reward : row.rewards()) {
            reward.ifPresentOrElse(rewards::add, rewards::addNull);
        }
        return node;
    }
}
