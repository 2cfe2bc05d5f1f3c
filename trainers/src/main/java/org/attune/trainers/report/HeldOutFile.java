package org.attune.trainers.report;

import org.attune.error.CheckpointException;
import org.attune.error.Excerpt;
import org.attune.files.AtomicFile;
import org.attune.reward.Prompt;
import org.attune.text.Conversation;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.loop.WrittenAnswer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// `heldout.jsonl`: each row of the first evaluation set before the first step and at the newest
/// evaluation, or at that of the best checkpoint where it is the result. It is replaced after each
/// evaluation, and a checkpoint holds what was before.
public final class HeldOutFile implements TrainingListener {
    public static final String NAME = "heldout.jsonl";

    /// Texts longer than this are cut.
    private static final int LONGEST = 4000;

    /// Rows that are written whole. Further ones have no completions and shorter prompts: the file
    /// is written at every evaluation.
    private static final int WHOLE = 500;

    private static final int SHORT = 200;

    /// The file's name in a checkpoint.
    private static final String BEFORE = "heldout_rows.jsonl";

    private final Path file;
    private final RunPictures pictures;
    private List<Measured> pending = List.of();
    private String setOfPending = "";
    private List<HeldOutRow> rows = List.of();

    /// A row of an evaluation whose step isn't known yet.
    private record Measured(
            String where,
            String prompt,
            List<String> pictures,
            Map<String, String> given,
            String completion,
            Map<String, Double> values) {
        HeldOutRow.Found at(int step) {
            return new HeldOutRow.Found(step, completion, values);
        }

        HeldOutRow row(Optional<HeldOutRow.Found> before, Optional<HeldOutRow.Found> after) {
            return new HeldOutRow(where, prompt, pictures, given, before, after);
        }
    }

    /// @param outputDir the run's folder
    public HeldOutFile(Path outputDir) {
        file = outputDir.resolve(NAME);
        pictures = new RunPictures(outputDir);
    }

    @Override
    public void onResume(Path checkpoint) {
        restore(checkpoint);
    }

    /// The rows of the result.
    @Override
    public void onBest(Path checkpoint) {
        restore(checkpoint);
        if (!rows.isEmpty()) {
            write();
        }
    }

    private void restore(Path checkpoint) {
        try {
            rows = HeldOutRow.read(checkpoint.resolve(BEFORE));
        } catch (IOException e) {
            throw new CheckpointException(
                    "%s can't be read: %s; resume from another checkpoint, or delete the file: the report then lacks rows before training"
                            .formatted(checkpoint.resolve(BEFORE), e),
                    e);
        }
    }

    /// Keeps the completions of the first set, as `summary.json` does.
    @Override
    public void onHeldOutCompletions(String set, CompletionTable table) {
        if (pending.isEmpty()) {
            List<Measured> found = new ArrayList<>();
            for (int i = 0; i < table.batch().size(); i += table.generations()) {
                boolean whole = found.size() < WHOLE;
                found.add(
                        new Measured(
                                "",
                                Excerpt.begin(
                                        question(table.batch().prompts().get(i)),
                                        whole ? LONGEST : SHORT),
                                pictures(table.batch().prompts().get(i)),
                                Map.of(),
                                whole
                                        ? Excerpt.begin(
                                                table.batch().completions().get(i).text(), LONGEST)
                                        : "",
                                means(table, i)));
            }
            pending = found;
        }
    }

    @Override
    public void onMeasuredAgain() {
        if (!pending.isEmpty()) {
            onEvaluate(0, Map.of());
        }
    }

    @Override
    public void onHeldOutRows(String set, List<MeasuredRow> measured) {
        if (pending.isEmpty()) {
            pending =
                    measured.stream()
                            .map(
                                    row ->
                                            new Measured(
                                                    row.where(),
                                                    "",
                                                    List.of(),
                                                    Map.of(),
                                                    "",
                                                    row.values()))
                            .toList();
            setOfPending = set;
        }
    }

    @Override
    public void onHeldOutAnswers(String set, List<WrittenAnswer> answers) {
        if (!set.equals(setOfPending)) {
            return;
        }
        List<Measured> next = new ArrayList<>(pending);
        for (WrittenAnswer answer : answers) {
            Map<String, String> given = new LinkedHashMap<>(answer.given());
            given.replaceAll((_, text) -> Excerpt.begin(text, LONGEST));
            Measured row = next.get(answer.row());
            next.set(
                    answer.row(),
                    new Measured(
                            row.where(),
                            Excerpt.begin(answer.prompt(), LONGEST),
                            row.pictures(),
                            given,
                            answer.written(),
                            row.values()));
        }
        pending = next;
    }

    private List<String> pictures(Prompt prompt) {
        return prompt.messages().stream()
                .flatMap(message -> Conversation.pictures(message).stream())
                .map(pictures::name)
                .toList();
    }

    private static String question(Prompt prompt) {
        return prompt.messages().isEmpty() ? prompt.text() : prompt.messages().getLast().content();
    }

    /// Means over the completions of a prompt, those without a reward left out.
    private static Map<String, Double> means(CompletionTable table, int first) {
        Map<String, Double> means = new LinkedHashMap<>();
        int end = first + table.generations();
        double sum = 0;
        int count = 0;
        for (int i = first; i < end; i++) {
            double total = table.rewards().total(i);
            sum += Double.isNaN(total) ? 0 : total;
            count += Double.isNaN(total) ? 0 : 1;
        }
        means.put(MetricKeys.REWARD, sum / count);
        List<String> names = table.rewards().names();
        for (int f = 0; f < names.size() && names.size() > 1; f++) {
            double[] column = table.rewards().column(f);
            double whole = 0;
            int given = 0;
            for (int i = first; i < end; i++) {
                whole += Double.isNaN(column[i]) ? 0 : column[i];
                given += Double.isNaN(column[i]) ? 0 : 1;
            }
            means.put("rewards/" + names.get(f), whole / given);
        }
        return means;
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        if (pending.isEmpty()) {
            return;
        }
        List<HeldOutRow> next = new ArrayList<>();
        for (int i = 0; i < pending.size(); i++) {
            Measured now = pending.get(i);
            Optional<HeldOutRow.Found> found = Optional.of(now.at(step));
            Optional<HeldOutRow.Found> before =
                    i < rows.size() ? rows.get(i).before() : Optional.empty();
            next.add(step == 0 ? now.row(found, Optional.empty()) : now.row(before, found));
        }
        rows = next;
        pending = List.of();
        write();
    }

    private void write() {
        try {
            AtomicFile.writeText(file, lines());
        } catch (IOException e) {
            throw new CheckpointException(
                    file + " can't be written: " + e + "; free space in output_dir", e);
        }
    }

    @Override
    public void onSave(int step, Path checkpoint) {
        if (rows.isEmpty()) {
            return;
        }
        Path kept = checkpoint.resolve(BEFORE);
        try {
            Files.writeString(kept, lines());
        } catch (IOException e) {
            throw new CheckpointException(
                    kept + " can't be written: " + e + "; free space in output_dir", e);
        }
    }

    private String lines() {
        var lines = new StringBuilder();
        for (int i = 0; i < rows.size(); i++) {
            lines.append(rows.get(i).json(i)).append('\n');
        }
        return lines.toString();
    }
}
