package org.attune.examples.learning;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.AtomicFile;
import org.attune.files.PrettyJson;
import org.attune.trainers.eval.EvalResult;
import org.attune.trainers.eval.Interval;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/// What a study found, as tables and as JSON.
///
/// @param before the untrained model on the held-out problems
/// @param grpo runs with rewards as they are
/// @param control the same runs with rewards shuffled within each group
/// @param dpo runs on preference pairs
record LearningReport(
        EvalResult before,
        List<GrpoOutcome> grpo,
        List<GrpoOutcome> control,
        List<DpoOutcome> dpo) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// Writes `learning.md` and `learning.json`.
    void write(Path folder) throws IOException {
        AtomicFile.writeText(folder.resolve("learning.md"), markdown());
        AtomicFile.writeText(folder.resolve("learning.json"), PrettyJson.text(json()));
    }

    /// Two tables: greedy accuracy of all runs, preference accuracy of the DPO runs.
    String markdown() {
        var text = new StringBuilder();
        text.append("| run | seed | mean reward, first to last | held-out accuracy |")
                .append(" 95 % interval | change | 95 % interval |\n")
                .append("|---|---|---|---|---|---|---|\n");
        text.append(row("untrained", "–", "–", before, false));
        grpo.forEach(o -> text.append(row("GRPO", seed(o.seed()), curve(o), o.after(), true)));
        text.append(mean("GRPO", grpo, o -> o.after().mean()));
        control.forEach(
                o ->
                        text.append(
                                row(
                                        "shuffled rewards",
                                        seed(o.seed()),
                                        curve(o),
                                        o.after(),
                                        true)));
        text.append(mean("shuffled rewards", control, o -> o.after().mean()));
        dpo.forEach(o -> text.append(row("DPO", seed(o.seed()), "–", o.after(), true)));
        text.append(mean("DPO", dpo, o -> o.after().mean()));
        text.append('\n').append(preferences());
        return text.toString();
    }

    private String preferences() {
        var text = new StringBuilder();
        text.append("| DPO, seed | held-out pairs | preference accuracy before | 95 % interval |")
                .append(" after | 95 % interval |\n|---|---|---|---|---|---|\n");
        for (DpoOutcome o : dpo) {
            int n = o.preferences().n();
            double first = o.preferences().before().orElseThrow();
            double last = o.preferences().after().orElseThrow();
            text.append(
                    "| %d | %d | %s | %s | %s | %s |%n"
                            .formatted(
                                    o.seed(),
                                    n,
                                    percent(first),
                                    span(wilson(first, n)),
                                    percent(last),
                                    span(wilson(last, n))));
        }
        return text.toString();
    }

    private String row(String run, String seed, String curve, EvalResult result, boolean trained) {
        EvalResult.Difference change = before.to(result);
        return "| %s | %s | %s | %s | %s | %s | %s |\n"
                .formatted(
                        run,
                        seed,
                        curve,
                        percent(result.mean()),
                        span(result.interval().orElseThrow()),
                        trained ? signed(change.mean()) : "–",
                        trained
                                ? "%s to %s"
                                        .formatted(
                                                signed(change.interval().low()),
                                                signed(change.interval().high()))
                                : "–");
    }

    private <T> String mean(String run, List<T> outcomes, ToDoubleFunction<T> accuracy) {
        double mean = outcomes.stream().mapToDouble(accuracy).average().orElse(Double.NaN);
        return "| %s | mean | – | %s | – | %s | – |\n"
                .formatted(run, percent(mean), signed(mean - before.mean()));
    }

    private static String curve(GrpoOutcome outcome) {
        return String.format(
                Locale.ROOT,
                "%.2f to %.2f",
                outcome.rewards().firstEntry().getValue(),
                outcome.rewards().lastEntry().getValue());
    }

    private static String seed(long seed) {
        return Long.toString(seed);
    }

    /// Ties count half, so the number of successes may be none.
    private static Interval wilson(double accuracy, int n) {
        return Interval.wilson(Math.round(accuracy * n), n);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }

    private static String signed(double share) {
        return String.format(Locale.ROOT, "%+.1f", 100 * share);
    }

    private static String span(Interval interval) {
        return percent(interval.low()) + " to " + percent(interval.high());
    }

    private JsonNode json() {
        ObjectNode all = JSON.createObjectNode();
        all.set("before", json(before));
        ArrayNode runs = all.putArray("grpo");
        grpo.forEach(o -> runs.add(json(o)));
        ArrayNode controls = all.putArray("shuffled_rewards");
        control.forEach(o -> controls.add(json(o)));
        ArrayNode pairs = all.putArray("dpo");
        for (DpoOutcome o : dpo) {
            ObjectNode node = pairs.addObject().put("seed", o.seed());
            node.putObject("preference_accuracy")
                    .put("n", o.preferences().n())
                    .put("before", o.preferences().before().orElseThrow())
                    .put("after", o.preferences().after().orElseThrow());
            node.set("heldout", json(o.after()));
        }
        return all;
    }

    private ObjectNode json(GrpoOutcome outcome) {
        ObjectNode node = JSON.createObjectNode().put("seed", outcome.seed());
        ObjectNode curve = node.putObject("reward_by_step");
        outcome.rewards().forEach((step, reward) -> curve.put(step.toString(), reward));
        node.set("heldout", json(outcome.after()));
        return node;
    }

    private static ObjectNode json(EvalResult result) {
        Interval interval = result.interval().orElseThrow();
        return JSON.createObjectNode()
                .put("n", result.n())
                .put("accuracy", result.mean())
                .put("low", interval.low())
                .put("high", interval.high());
    }
}
