package org.attune.trainers.prepare;

import org.attune.files.GivenPath;
import org.attune.images.SeenPicture;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.examples.StoredRows;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.prepare.PreparationReport.Dropped;
import org.attune.trainers.prepare.PreparationReport.Truncated;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// Counts what rows are, all together and file by file.
final class RowSurvey {
    private static final int WIDTH = 40;
    private static final int TAIL = 4; // templates write a line break or two behind the stop token
    private static final Pattern PLACE = Pattern.compile("(:\\d+|, row \\d+)$");

    private final Set<Integer> stops;
    private final Map<String, FileCounts> files = new LinkedHashMap<>();

    /// @param stops the tokens that end an answer
    RowSurvey(Set<Integer> stops) {
        this.stops = stops;
    }

    /// Counts of a file.
    private static final class FileCounts {
        private int rows;
        private long tokens;
        private long trained;
        private int answers;
        private int stopped;
        private int truncated;
        private final Map<String, Integer> dropped = new LinkedHashMap<>();
    }

    /// A histogram of the lengths, with a line for each power of two.
    static List<String> lengths(List<? extends TrainingRow> rows) {
        int[] lengths = StoredRows.lengths(rows);
        Arrays.sort(lengths);
        int last = lengths.length - 1;
        List<String> lines = new ArrayList<>();
        lines.add(
                "lengths of %d rows: least %d, median %d, nine of ten up to %d, most %d tokens"
                        .formatted(
                                lengths.length,
                                lengths[0],
                                lengths[last / 2],
                                lengths[last * 9 / 10],
                                lengths[last]));
        Map<Integer, Integer> counts = new TreeMap<>();
        for (int length : lengths) {
            counts.merge(Integer.SIZE - Integer.numberOfLeadingZeros(length), 1, Integer::sum);
        }
        int most = counts.values().stream().mapToInt(Integer::intValue).max().orElse(1);
        counts.forEach(
                (bits, count) ->
                        lines.add(
                                "%15s %8d %s"
                                        .formatted(
                                                bits == 0
                                                        ? "0"
                                                        : "%d–%d"
                                                                .formatted(
                                                                        1L << (bits - 1),
                                                                        (1L << bits) - 1),
                                                count,
                                                "█"
                                                        .repeat(
                                                                (int)
                                                                        Math.ceilDiv(
                                                                                (long) WIDTH
                                                                                        * count,
                                                                                most)))));
        return lines;
    }

    /// A line about pictures, if rows have any; each sequence of a row counts its own.
    static List<String> pictures(List<? extends TrainingRow> rows) {
        List<Integer> tokens = new ArrayList<>();
        for (TrainingRow row : rows) {
            for (int[] ids : row.sequences()) {
                for (int id : ids) {
                    if (SeenPicture.isRow(id) && SeenPicture.at(id).row() == 0) {
                        tokens.add(SeenPicture.at(id).picture().rows());
                    }
                }
            }
        }
        if (tokens.isEmpty()) {
            return List.of();
        }
        tokens.sort(null);
        return List.of(
                "%d pictures: least %d, median %d, most %d tokens each"
                        .formatted(
                                tokens.size(),
                                tokens.getFirst(),
                                tokens.get((tokens.size() - 1) / 2),
                                tokens.getLast()));
    }

    /// A line for each file that rows come from.
    List<String> files(List<? extends TrainingRow> rows, PreparationReport report) {
        for (TrainingRow row : rows) {
            switch (row) {
                case PackedRow packed -> packed.documents().forEach(this::see);
                default -> see(row);
            }
        }
        for (Dropped row : report.dropped()) {
            counts(row.origin().file()).dropped.merge(row.reason(), 1, Integer::sum);
        }
        for (Truncated row : report.truncated()) {
            counts(row.origin().file()).truncated++;
        }
        List<String> lines = new ArrayList<>();
        files.forEach(
                (file, counts) ->
                        lines.add(GivenPath.fromHere(Path.of(file)) + ": " + words(counts)));
        return lines;
    }

    private FileCounts counts(String file) {
        return files.computeIfAbsent(file, _ -> new FileCounts());
    }

    private void see(SftExample document) {
        FileCounts counts = counts(document.origin().file());
        counts.rows++;
        counts.tokens += document.length();
        counts.trained += document.trainedTokens();
        boolean stopped = false;
        for (int i = 1; i < document.length(); i++) {
            stopped |= document.completionMask()[i] && stops.contains(document.ids()[i]);
        }
        counts.answers++;
        counts.stopped += stopped ? 1 : 0;
    }

    private void see(TrainingRow row) {
        FileCounts counts = counts(PLACE.matcher(row.origins().getFirst()).replaceFirst(""));
        counts.rows++;
        counts.tokens += row.length();
        if (row instanceof PromptExample) {
            return; // its answers are not written yet
        }
        for (int[] sequence : row.sequences()) {
            boolean stopped = false;
            for (int i = Math.max(0, sequence.length - TAIL); i < sequence.length; i++) {
                stopped |= stops.contains(sequence[i]);
            }
            counts.answers++;
            counts.stopped += stopped ? 1 : 0;
        }
    }

    private String words(FileCounts counts) {
        List<String> parts = new ArrayList<>();
        parts.add(
                "%d rows, %d tokens%s"
                        .formatted(
                                counts.rows,
                                counts.tokens,
                                counts.trained == 0
                                        ? ""
                                        : ", %.1f %% of them trained"
                                                .formatted(
                                                        100.0 * counts.trained / counts.tokens)));
        counts.dropped.forEach((reason, count) -> parts.add(count + " dropped: " + reason));
        if (counts.truncated > 0) {
            parts.add(counts.truncated + " truncated");
        }
        if (counts.answers > 0 && !stops.isEmpty()) {
            parts.add(
                    counts.stopped == counts.answers
                            ? "a stop token is learnt from all of them"
                            : "a stop token is learnt from %d of %d, the others don't teach where to end"
                                    .formatted(counts.stopped, counts.answers));
        }
        return String.join("; ", parts);
    }
}
