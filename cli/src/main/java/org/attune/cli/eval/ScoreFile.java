package org.attune.cli.eval;

import org.attune.datasets.formats.Sample;
import org.attune.datasets.parquet.ParquetColumn;
import org.attune.datasets.parquet.ParquetTable;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.files.AtomicFile;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// The rows of a data set with scores beside their columns, as a file that is there whole or not
/// at all.
final class ScoreFile {
    private static final String SCORE = "score";
    private static final String CHOSEN = "score_chosen";
    private static final String REJECTED = "score_rejected";
    private static final String STEPS = "step_scores";

    private ScoreFile() {}

    /// A row and the names of what comes beside it.
    ///
    /// @param names one for each score, or one for all of a solution's steps
    record Line(Sample sample, List<String> names) {}

    /// What a file's name says it holds.
    enum Form {
        JSON_LINES,
        PARQUET;

        static Form of(Path file) {
            String name = file.toString().toLowerCase(Locale.ROOT);
            if (name.endsWith(".jsonl")) {
                return JSON_LINES;
            }
            if (name.endsWith(".parquet")) {
                return PARQUET;
            }
            throw new ConfigException(
                    "--out: " + file + "; accepted: a file whose name ends in .jsonl or .parquet");
        }

        void write(Path file, List<Map<String, Object>> rows) {
            try {
                Files.createDirectories(file.toAbsolutePath().getParent());
                switch (this) {
                    case JSON_LINES -> writeLines(file, rows);
                    case PARQUET -> table(rows).write(file);
                }
            } catch (IOException e) {
                throw new ConfigException(
                        "--out: %s can't be written: %s; free space or name another file"
                                .formatted(file.toAbsolutePath(), e),
                        e);
            }
        }
    }

    /// Rows with the names of their scores.
    ///
    /// @throws DatasetException if a row has a column of such a name already
    static List<Line> lines(List<Sample> samples, boolean steps) {
        List<Line> lines = new ArrayList<>();
        for (Sample sample : samples) {
            List<String> names =
                    steps
                            ? List.of(STEPS)
                            : sample instanceof Sample.Preference
                                    ? List.of(CHOSEN, REJECTED)
                                    : List.of(SCORE);
            for (String name : names) {
                if (sample.row().columns().containsKey(name)) {
                    throw new DatasetException(
                            "%s: the row has a column %s already; rename it, scores are written there"
                                    .formatted(sample.row().origin().where(), name));
                }
            }
            lines.add(new Line(sample, names));
        }
        return lines;
    }

    /// The rows' columns and, behind them, the scores.
    static List<Map<String, Object>> written(List<Line> lines, List<double[]> scores) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            Map<String, Object> row = new LinkedHashMap<>(lines.get(i).sample().row().columns());
            List<String> names = lines.get(i).names();
            double[] own = scores.get(i);
            if (names.getFirst().equals(STEPS)) {
                row.put(STEPS, Arrays.stream(own).boxed().toList());
            } else {
                for (int s = 0; s < own.length; s++) {
                    row.put(names.get(s), own[s]);
                }
            }
            rows.add(row);
        }
        return rows;
    }

    private static void writeLines(Path file, List<Map<String, Object>> rows) throws IOException {
        AtomicFile.write(
                file,
                channel -> {
                    for (Map<String, Object> row : rows) {
                        String line = Json.MAPPER.writeValueAsString(row) + "\n";
                        var bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
                        while (bytes.hasRemaining()) {
                            channel.write(bytes);
                        }
                    }
                });
    }

    private static ParquetTable table(List<Map<String, Object>> rows) {
        Set<String> names = new LinkedHashSet<>();
        rows.forEach(row -> names.addAll(row.keySet()));
        return new ParquetTable(
                names.stream()
                        .map(
                                name ->
                                        ParquetColumn.of(
                                                name, rows.stream().map(r -> r.get(name)).toList()))
                        .toList());
    }
}
