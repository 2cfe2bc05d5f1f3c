package org.attune.cli.data;

import org.attune.datasets.parquet.ParquetColumn;
import org.attune.datasets.parquet.ParquetTable;
import org.attune.datasets.rows.Row;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.files.AtomicFile;
import org.attune.json.Json;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.zip.GZIPOutputStream;

/// Writes files of rows. A row passes through: only Parquet, which is built in memory, holds all.
enum RowWriter {
    JSON_LINES(".jsonl"),
    JSON(".json"),
    CSV(".csv"),
    TSV(".tsv"),
    PARQUET(".parquet");

    private static final String PACKED = ".gz";

    private final String ending;

    RowWriter(String ending) {
        this.ending = ending;
    }

    /// Rows that can be gone through several times, in the same order.
    interface Rows {
        void forEach(Consumer<Row> to);
    }

    /// The format that a file's name says.
    ///
    /// @throws ConfigException naming the formats that are written
    static RowWriter of(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        String plain =
                name.endsWith(PACKED) ? name.substring(0, name.length() - PACKED.length()) : name;
        for (RowWriter format : values()) {
            if (plain.endsWith(format.ending) && !(format == PARQUET && name.endsWith(PACKED))) {
                return format;
            }
        }
        throw new ConfigException(
                "--out: %s; written are .jsonl, .json, .csv, .tsv (each also with .gz) and .parquet"
                        .formatted(file));
    }

    /// Writes rows into a file, whole or not at all.
    ///
    /// @throws DatasetException if a row's values can't stand in the format
    static void write(Path file, Rows rows) {
        RowWriter format = of(file);
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            if (format == PARQUET) {
                parquet(file, rows).write(file);
                return;
            }
            AtomicFile.write(
                    file,
                    channel -> {
                        OutputStream plain = Channels.newOutputStream(channel);
                        OutputStream bytes = isPacked(file) ? new GZIPOutputStream(plain) : plain;
                        Writer text =
                                new BufferedWriter(
                                        new OutputStreamWriter(bytes, StandardCharsets.UTF_8));
                        format.text(text, rows);
                        text.flush(); // the channel stays open: it is forced to the disk
                        if (bytes instanceof GZIPOutputStream packed) {
                            packed.finish();
                        }
                    });
        } catch (IOException | UncheckedIOException e) {
            throw new DatasetException(file + ": can't be written: " + e.getMessage(), e);
        }
    }

    private static boolean isPacked(Path file) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(PACKED);
    }

    private void text(Writer text, Rows rows) throws IOException {
        switch (this) {
            case JSON_LINES -> rows.forEach(row -> append(text, Json.write(row.columns()) + "\n"));
            case JSON -> {
                var first = new boolean[] {true};
                text.write("[");
                rows.forEach(
                        row -> {
                            append(text, (first[0] ? "\n" : ",\n") + Json.write(row.columns()));
                            first[0] = false;
                        });
                text.write("\n]\n");
            }
            case CSV -> delimited(text, rows, ',');
            case TSV -> delimited(text, rows, '\t');
            case PARQUET -> throw new IllegalStateException("Parquet is no text");
        }
    }

    private static void delimited(Writer text, Rows rows, char delimiter) {
        Set<String> columns = new LinkedHashSet<>();
        rows.forEach(row -> columns.addAll(row.columns().keySet()));
        List<String> header = columns.stream().map(name -> field(name, delimiter)).toList();
        append(text, String.join("" + delimiter, header) + "\n");
        rows.forEach(
                row -> {
                    List<String> fields =
                            columns.stream()
                                    .map(name -> field(cell(row.get(name)), delimiter))
                                    .toList();
                    String line = String.join("" + delimiter, fields);
                    append(text, (line.isEmpty() ? "\"\"" : line) + "\n");
                });
    }

    private static String cell(Object value) {
        return switch (value) {
            case null -> "";
            case String string -> string;
            default -> Json.write(value);
        };
    }

    private static String field(String value, char delimiter) {
        boolean quoted =
                value.indexOf(delimiter) >= 0
                        || value.indexOf('"') >= 0
                        || value.indexOf('\n') >= 0
                        || value.indexOf('\r') >= 0;
        return quoted ? '"' + value.replace("\"", "\"\"") + '"' : value;
    }

    private static void append(Writer text, String piece) {
        try {
            text.write(piece);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ParquetTable parquet(Path file, Rows rows) {
        Map<String, List<Object>> columns = new LinkedHashMap<>();
        var count = new int[1];
        rows.forEach(
                row -> {
                    for (String name : row.columns().keySet()) {
                        List<Object> values = columns.computeIfAbsent(name, _ -> new ArrayList<>());
                        while (values.size() < count[0]) {
                            values.add(null);
                        }
                        values.add(flat(row, name));
                    }
                    count[0]++;
                });
        if (columns.isEmpty()) {
            throw new DatasetException(file + ": there are no rows to write");
        }
        List<ParquetColumn> all = new ArrayList<>();
        columns.forEach(
                (name, values) -> {
                    while (values.size() < count[0]) {
                        values.add(null);
                    }
                    all.add(ParquetColumn.of(name, values));
                });
        return new ParquetTable(all);
    }

    private static Object flat(Row row, String name) {
        return switch (row.get(name)) {
            case null -> null;
            case String string -> string;
            case Boolean truth -> truth;
            case Long whole -> whole;
            case Double number -> number;
            default ->
                    throw new DatasetException(
                            "%s: column \"%s\" holds a value that is no text, number of 64 bits or truth value; .parquet is written of these alone, use .jsonl"
                                    .formatted(row.origin().where(), name));
        };
    }
}
