package org.attune.reports.page;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;

/// What came of a run, in words.
///
/// @param tone class of the style sheet: `good`, `bad` or `plain`
/// @param headline in a few words
/// @param detail numbers
public record Verdict(String tone, String headline, String detail) {
    /// What came of the run in this folder, as its report says.
    public static Verdict of(Path folder) {
        return of(ReportedRun.of(folder, ""));
    }

    /// Whether the run made the model better on held-out rows, by more than chance gives.
    public boolean isBetter() {
        return tone.equals("good");
    }

    /// One line for a terminal: `better: ...` or `no better: ...`.
    public String line() {
        return "%s: %s".formatted(isBetter() ? "better" : "no better", detail);
    }

    static Verdict of(ReportedRun run) {
        Optional<HeldOutMetric> metric = HeldOutMetric.of(run);
        if (metric.isEmpty()) {
            return new Verdict(
                    "plain",
                    "Not measured on held-out rows",
                    "The run has no evaluation set, so nothing here says whether the model got"
                            + " better. eval_datasets or test_split_size gives it one.");
        }
        HeldOutMetric m = metric.get();
        if (m.before().isEmpty() || m.after().isEmpty()) {
            return new Verdict(
                    "plain",
                    "No comparison of before and after",
                    "%s: %s before, %s after%s."
                            .formatted(m.key(), shown(m.before()), shown(m.after()), rows(m)));
        }
        String numbers =
                "%s: %s before, %s after%s."
                        .formatted(m.key(), shown(m.before()), shown(m.after()), rows(m));
        Optional<PairedDifference> change = m.change(run.heldOut());
        if (change.isEmpty()) {
            return unmeasured(m, numbers);
        }
        PairedDifference c = change.get();
        String detail =
                EvenStart.isIn(run.heldOut())
                        ? EvenStart.words(m, run.heldOut(), c)
                        : numbers + measured(m, c);
        if (!c.isClear()) {
            return new Verdict(
                    "plain",
                    "No better and no worse than before, as far as these rows tell",
                    detail);
        }
        boolean better = c.difference() < 0 == m.lowerIsBetter();
        return better
                ? new Verdict("good", "Better than before", detail)
                : new Verdict("bad", "Worse than before", detail);
    }

    private static String measured(HeldOutMetric m, PairedDifference c) {
        boolean sameMeans =
                Figures.number(c.first()).equals(shown(m.before()))
                        && Figures.number(c.second()).equals(shown(m.after()));
        return sameMeans
                ? " Difference, row by row: %s.".formatted(c.text())
                : " The mean over rows went from %s to %s: %s."
                        .formatted(Figures.number(c.first()), Figures.number(c.second()), c.text());
    }

    private static Verdict unmeasured(HeldOutMetric m, String numbers) {
        double difference = m.after().getAsDouble() - m.before().getAsDouble();
        String words =
                difference == 0
                        ? "Unchanged"
                        : difference < 0 == m.lowerIsBetter() ? "Better" : "Worse";
        return new Verdict(
                "plain",
                words + " on held-out rows, by how much more than chance is not known",
                numbers + " The run recorded no single rows, from which an interval would follow.");
    }

    private static String rows(HeldOutMetric m) {
        return m.n() > 0 ? ", on " + m.n() + " held-out rows" : "";
    }

    private static String shown(OptionalDouble value) {
        return value.isPresent() ? Figures.number(value.getAsDouble()) : "not measured";
    }
}
