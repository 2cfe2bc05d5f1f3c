package org.attune.examples.learning;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.models.eval.EvalResult;
import org.attune.models.eval.Interval;

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
        HeldOut.Answers before,
        List<GrpoOutcome> grpo,
        List<GrpoOutcome> control,
        List<DpoOutcome> dpo) {

    /// Writes `learning.md` and `learning.json`.
    void write(Path folder) throws IOException {
        AtomicFile.writeText(folder.resolve("learning.md"), markdown());
        AtomicFile.writeText(folder.resolve("learning.json"), Json.pretty(json()));
    }

    /// Two tables: held-out accuracy of all runs, preference accuracy of the DPO runs.
    String markdown() {
        var text = new StringBuilder();
        text.append("| run | seed | mean reward, first to last |")
                .append(" greedy, 95 % interval | change, 95 % interval |")
                .append(" sampled, 95 % interval | change, 95 % interval |\n")
                .append("|---|---|---|---|---|---|---|\n")
                .append(
                        "| untrained | – | – | %s | – | %s | – |%n"
                                .formatted(figure(before.greedy()), figure(before.sampled())));
        append(text, "GRPO", grpo);
        append(text, "GRPO, shuffled rewards", control);
        for (DpoOutcome o : dpo) {
            text.append(row("DPO", o.seed(), "–", o.after()));
        }
        text.append(mean("DPO", dpo.stream().map(DpoOutcome::after).toList()));
        return text.append('\n').append(preferences()).toString();
    }

    private void append(StringBuilder text, String run, List<GrpoOutcome> outcomes) {
        for (GrpoOutcome o : outcomes) {
            text.append(row(run, o.seed(), curve(o), o.after()));
        }
        text.append(mean(run, outcomes.stream().map(GrpoOutcome::after).toList()));
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

    private String row(String run, long seed, String curve, HeldOut.Answers after) {
        return "| %s | %d | %s | %s | %s | %s | %s |\n"
                .formatted(
                        run,
                        seed,
                        curve,
                        figure(after.greedy()),
                        change(before.greedy(), after.greedy()),
                        figure(after.sampled()),
                        change(before.sampled(), after.sampled()));
    }

    private String mean(String run, List<HeldOut.Answers> all) {
        double greedy = average(all, answers -> answers.greedy().mean());
        double sampled = average(all, answers -> answers.sampled().mean());
        return "| %s | mean | – | %s | %s | %s | %s |\n"
                .formatted(
                        run,
                        percent(greedy),
                        signed(greedy - before.greedy().mean()),
                        percent(sampled),
                        signed(sampled - before.sampled().mean()));
    }

    private static double average(
            List<HeldOut.Answers> all, ToDoubleFunction<HeldOut.Answers> accuracy) {
        return all.stream().mapToDouble(accuracy).average().orElse(Double.NaN);
    }

    private static String figure(EvalResult result) {
        return percent(result.mean()) + ", " + span(result.interval().orElseThrow());
    }

    private static String change(EvalResult first, EvalResult second) {
        EvalResult.Difference change = first.to(second);
        Interval interval = change.interval();
        return "%s, %s to %s"
                .formatted(signed(change.mean()), signed(interval.low()), signed(interval.high()));
    }

    private static String curve(GrpoOutcome outcome) {
        return String.format(
                Locale.ROOT,
                "%.2f to %.2f",
                outcome.rewards().firstEntry().getValue(),
                outcome.rewards().lastEntry().getValue());
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
        ObjectNode all = Json.object();
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
        ObjectNode node = Json.object().put("seed", outcome.seed());
        ObjectNode curve = node.putObject("reward_by_step");
        outcome.rewards().forEach((step, reward) -> curve.put(step.toString(), reward));
        node.set("heldout", json(outcome.after()));
        return node;
    }

    private static ObjectNode json(HeldOut.Answers answers) {
        ObjectNode node = Json.object();
        node.set("greedy", json(answers.greedy()));
        node.set("sampled", json(answers.sampled()));
        return node;
    }

    private static ObjectNode json(EvalResult result) {
        Interval interval = result.interval().orElseThrow();
        return Json.object()
                .put("n", result.n())
                .put("samples", result.samples())
                .put("accuracy", result.mean())
                .put("low", interval.low())
                .put("high", interval.high());
    }
}
