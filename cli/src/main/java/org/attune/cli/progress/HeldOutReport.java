package org.attune.cli.progress;

import org.attune.cli.terminal.RunScreen;
import org.attune.cli.terminal.TextTable;
import org.attune.error.CheckpointException;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// The last words of a run: quality on held-out rows before and after, and where completions were
/// judged, the first few of them side by side. The first ones, so that nobody has chosen them.
public final class HeldOutReport implements TrainingListener {
    /// A checkpoint's file of what the evaluation before the first step found.
    private static final String BEFORE = "heldout_before.json";

    private static final String EVEN = " (by construction: the policy was its own reference then)";

    private final RunScreen screen;
    private Optional<HeldOutSample> pending = Optional.empty();
    private Optional<HeldOutSample> before = Optional.empty();
    private Optional<HeldOutSample> newest = Optional.empty();

    private boolean evaluated;
    private Optional<Boolean> even = Optional.empty(); // of the first set

    public HeldOutReport(RunScreen screen) {
        this.screen = screen;
    }

    @Override
    public void onResume(Path checkpoint) {
        evaluated = true;
        Path file = checkpoint.resolve(BEFORE);
        try {
            if (Files.exists(file)) {
                before = Optional.of(HeldOutSample.ofJson(Files.readString(file)));
            }
        } catch (IOException e) {
            throw new CheckpointException(file + " can't be read: " + e, e);
        }
    }

    /// Takes the completions of the first set, as `summary.json` does.
    @Override
    public void onHeldOutCompletions(String set, CompletionTable table) {
        if (pending.isEmpty()) {
            pending = Optional.of(HeldOutSample.of(table));
        }
    }

    /// Finds out at the first evaluation whether all given rows of the first set start even; a
    /// resumed run has no such evaluation.
    @Override
    public void onHeldOutRows(String set, List<MeasuredRow> rows) {
        if (!evaluated && even.isEmpty()) {
            even = Optional.of(rows.stream().allMatch(MeasuredRow::isEven));
        }
    }

    @Override
    public void onMeasuredAgain() {
        before = pending;
        pending = Optional.empty();
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        if (step == 0) {
            before = pending;
        }
        evaluated = true;
        newest = pending;
        pending = Optional.empty();
    }

    @Override
    public void onSave(int step, Path checkpoint) {
        if (before.isPresent()) {
            Path file = checkpoint.resolve(BEFORE);
            try {
                Files.writeString(file, before.get().toJson());
            } catch (IOException e) {
                throw new CheckpointException(
                        file + " can't be written: " + e + "; free space in output_dir", e);
            }
        }
    }

    @Override
    public void onEnd(RunSummary summary) {
        if (summary.heldout().isEmpty()) {
            return;
        }
        RunSummary.Heldout heldout = summary.heldout().get();
        boolean judged = newest.isPresent();
        Optional<HeldOutSample> after = heldout.after().isPresent() ? newest : Optional.empty();
        screen.line(
                "%s on %d held-out %s: %s before%s, %s after%s"
                        .formatted(
                                heldout.metric(),
                                heldout.n(),
                                judged ? "prompts" : "rows",
                                shown(heldout.before()),
                                even.orElse(false) ? EVEN : counts(before),
                                shown(heldout.after()),
                                counts(after)));
        if (before.isPresent() && after.isPresent()) {
            screen.line("the first %d of them:".formatted(before.get().completions().size()));
            screen.table(sideBySide(before.get(), after.get()));
        }
    }

    private static String counts(Optional<HeldOutSample> sample) {
        return sample.flatMap(HeldOutSample::right)
                .map(right -> " (%d right of %d)".formatted(right, sample.get().size()))
                .orElse("");
    }

    private static String shown(OptionalDouble value) {
        return value.isPresent() ? ProgressLine.significant(value.getAsDouble()) : "not measured";
    }

    private static TextTable sideBySide(HeldOutSample before, HeldOutSample after) {
        List<List<TextTable.Cell>> rows = new ArrayList<>();
        int both = Math.min(before.completions().size(), after.completions().size());
        for (int i = 0; i < both; i++) {
            HeldOutSample.Judged old = before.completions().get(i);
            HeldOutSample.Judged now = after.completions().get(i);
            rows.add(
                    List.of(
                            TextTable.Cell.of(old.prompt()),
                            new TextTable.Cell(old.completion(), colour(old, now)),
                            TextTable.Cell.of(CompletionsPrinter.number(old.reward())),
                            new TextTable.Cell(now.completion(), colour(now, old)),
                            TextTable.Cell.of(CompletionsPrinter.number(now.reward()))));
        }
        return new TextTable(
                List.of(
                        new TextTable.Column("prompt", false),
                        new TextTable.Column("before", false),
                        new TextTable.Column("reward", true),
                        new TextTable.Column("after", false),
                        new TextTable.Column("reward", true)),
                rows);
    }

    private static TextTable.Colour colour(HeldOutSample.Judged one, HeldOutSample.Judged other) {
        if (one.reward() > other.reward()) {
            return TextTable.Colour.GREEN;
        }
        return one.reward() < other.reward() ? TextTable.Colour.RED : TextTable.Colour.PLAIN;
    }
}
