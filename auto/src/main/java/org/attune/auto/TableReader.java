package org.attune.auto;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
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

/// Reads a table whatever its delimiter and encoding: delimited text, JSON, JSON lines,
/// Parquet or Arrow.
public final class TableReader {
    private static final long LARGEST = 1L << 30;

    private TableReader() {}

    /// Reads a file.
    ///
    /// @param file `.jsonl`, `.ndjson`, `.json`, `.parquet` and Arrow files are read as such,
    ///     anything else as delimited text
    /// @throws DatasetException if it holds no table
    public static SniffedTable read(Path file) {
        String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
        if (name.matches(".*\\.(jsonl|ndjson|json|parquet|arrows?|feather|ipc|gz)")) {
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
        return MessageColumns.unfolded(
                new SniffedTable(List.copyOf(columns), whole, List.of(), true));
    }

    private static SniffedTable ofText(Path file, byte[] bytes) {
        TextEncoding encoding = TextEncoding.of(file.toString(), bytes);
        TextPreamble preamble = TextPreamble.of(encoding.text());
        DelimitedText text = DelimitedText.of(preamble.rest(), preamble.delimiter());
        if (text.records().isEmpty()) {
            throw new DatasetException(file + ": the file is empty");
        }
        List<String> notes = new ArrayList<>(preamble.notes());
        int titles = text.titles();
        List<List<String>> records = text.records().subList(titles, text.records().size());
        List<String> first = records.getFirst();
        notes.add("encoding: " + encoding.name());
        tell(text, titles, first.size(), notes);
        Header header = Header.of(records);
        List<String> columns =
                header.isThere() ? names(file, first, notes) : numbered(first.size());
        if (!header.isThere()) {
            notes.add("no header line: the columns are called column_1 and so on");
        }
        int from = titles + (header.isThere() ? 1 : 0);
        List<Row> rows = new TableRows(file, text, columns, encoding.isDamaged()).from(from, notes);
        if (rows.isEmpty()) {
            throw new DatasetException(file + ": the file has a header and no rows");
        }
        return MessageColumns.unfolded(new SniffedTable(columns, rows, notes, header.isThere()));
    }

    private static void tell(DelimitedText text, int titles, int width, List<String> notes) {
        notes.add(width == 1 ? "one column" : "delimiter: " + shown(text.dialect().delimiter()));
        if (text.dialect().quote() == '\uFFFF') {
            notes.add("quotes are read as part of the text");
        } else if (text.dialect().quote() != '"') {
            notes.add("quotes: " + text.dialect().quote());
        }
        if (text.dialect().escapes()) {
            notes.add("a backslash stands before quotes within fields");
        }
        if (titles > 0) {
            notes.add("lines above the table, left out: " + titles);
        }
    }

    static String shown(char delimiter) {
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
            trimmed |= !name.equals(first.get(i)) && !name.isEmpty();
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
}
