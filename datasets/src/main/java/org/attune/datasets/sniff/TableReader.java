package org.attune.datasets.sniff;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// Reads a table whatever its delimiter and encoding: delimited text, JSON, JSON lines or Parquet.
public final class TableReader {
    private static final long LARGEST = 1L << 30;
    private static final int LONGEST_NAME = 60;

    private TableReader() {}

    /// Reads a file.
    ///
    /// @param file `.jsonl`, `.ndjson`, `.json` and `.parquet` are read as such, anything else as
    ///     delimited text
    /// @throws DatasetException if it holds no table
    public static SniffedTable read(Path file) {
        String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
        if (name.matches(".*\\.(jsonl|ndjson|json|parquet|gz)")) {
            return ofRows(file, RowFiles.readAll(file));
        }
        try {
            if (Files.size(file) > LARGEST) {
                throw new DatasetException(file + ": more than 1 GiB; split it, or use Parquet");
            }
            return ofText(file, Files.readAllBytes(file));
        } catch (IOException e) {
            throw new DatasetException(file + ": can't be read: " + e, e);
        }
    }

    private static SniffedTable ofRows(Path file, List<Row> rows) {
        Set<String> columns = new LinkedHashSet<>();
        rows.forEach(row -> columns.addAll(row.columns().keySet()));
        if (rows.isEmpty() || columns.isEmpty()) {
            throw new DatasetException(file + ": the file has no rows");
        }
        List<Row> whole = new ArrayList<>();
        for (Row row : rows) {
            Map<String, Object> values = new LinkedHashMap<>();
            columns.forEach(column -> values.put(column, row.get(column)));
            whole.add(row.with(values));
        }
        return new SniffedTable(List.copyOf(columns), whole, List.of(), true);
    }

    private static SniffedTable ofText(Path file, byte[] bytes) {
        TextEncoding encoding = TextEncoding.of(file.toString(), bytes);
        DelimitedText text = DelimitedText.of(file.toString(), encoding.text());
        if (text.records().isEmpty()) {
            throw new DatasetException(file + ": the file is empty");
        }
        List<String> notes = new ArrayList<>();
        List<String> first = text.records().getFirst();
        int width = first.size();
        notes.add("encoding: " + encoding.name());
        notes.add(width == 1 ? "one column" : "delimiter: " + shown(text.delimiter()));
        boolean named = isHeader(text.records());
        List<String> columns = named ? names(file, first, notes) : numbered(width);
        if (!named) {
            notes.add("no header line: the columns are called column_1 and so on");
        }
        List<Row> rows = rows(file, text, columns, named ? 1 : 0);
        if (rows.isEmpty()) {
            throw new DatasetException(file + ": the file has a header and no rows");
        }
        return new SniffedTable(columns, rows, notes, named);
    }

    private static String shown(char delimiter) {
        return switch (delimiter) {
            case ',' -> "comma";
            case ';' -> "semicolon";
            case '\t' -> "tab";
            default -> String.valueOf(delimiter);
        };
    }

    private static List<String> names(Path file, List<String> first, List<String> notes) {
        List<String> names = new ArrayList<>();
        var seen = new HashSet<String>();
        boolean trimmed = false;
        for (int i = 0; i < first.size(); i++) {
            String name = first.get(i).strip();
            trimmed |= !name.equals(first.get(i));
            if (name.isEmpty()) {
                name = "column_" + (i + 1);
            }
            if (!seen.add(name)) {
                throw new DatasetException(
                        "%s:1: column \"%s\" occurs twice; rename one".formatted(file, name));
            }
            names.add(name);
        }
        if (trimmed) {
            notes.add("blanks around names of columns were taken away");
        }
        return names;
    }

    private static List<String> numbered(int width) {
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= width; i++) {
            names.add("column_" + i);
        }
        return names;
    }

    /// Whether the first record names columns: a known name is among short ones, or all are short,
    /// different, and unlike data. Names stay in doubt where nothing follows.
    private static boolean isHeader(List<List<String>> records) {
        List<String> first = records.getFirst().stream().map(String::strip).toList();
        boolean isShort =
                first.stream()
                        .allMatch(
                                f ->
                                        f.length() <= LONGEST_NAME
                                                && !f.matches("(?s).*[?!\\n]|.*[.!] .*")
                                                && !f.matches("-?\\d+([.,]\\d+)?"));
        if (!isShort || new HashSet<>(first).size() < first.size()) {
            return false;
        }
        if (first.stream().anyMatch(ColumnWords::isKnown)) {
            return true;
        }
        double words = words(first);
        double below =
                records.stream()
                        .skip(1)
                        .limit(50)
                        .mapToDouble(TableReader::words)
                        .average()
                        .orElse(0);
        return words <= 2.5 && below > 2 * words;
    }

    private static double words(List<String> fields) {
        return fields.stream().mapToInt(f -> f.strip().split("\\s+").length).average().orElse(0);
    }

    private static List<Row> rows(Path file, DelimitedText text, List<String> columns, int from) {
        List<Row> rows = new ArrayList<>();
        for (int i = from; i < text.records().size(); i++) {
            List<String> values = text.records().get(i);
            int line = text.lines().get(i);
            if (values.size() != columns.size() && !isTrailing(values, columns.size())) {
                throw new DatasetException(
                        "%s:%d: %d fields, but there are %d columns (%s); quote fields that contain the delimiter %s"
                                .formatted(
                                        file,
                                        line,
                                        values.size(),
                                        columns.size(),
                                        String.join(", ", columns),
                                        shown(text.delimiter())));
            }
            Map<String, Object> row = new LinkedHashMap<>();
            for (int c = 0; c < columns.size(); c++) {
                String value = c < values.size() ? values.get(c) : "";
                row.put(columns.get(c), value.isBlank() ? null : value);
            }
            rows.add(new Row(row, new RowOrigin(file.toString(), line, rows.size())));
        }
        return rows;
    }

    /// Empty fields at the end of a line are no values, as spreadsheets write them; a missing one
    /// is empty.
    private static boolean isTrailing(List<String> values, int width) {
        return values.size() > width
                && values.subList(width, values.size()).stream().allMatch(String::isBlank);
    }
}
