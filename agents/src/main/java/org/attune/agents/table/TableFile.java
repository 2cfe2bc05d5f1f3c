package org.attune.agents.table;

import org.attune.error.ConfigException;
import org.attune.files.GivenText;
import org.attune.json.Json;
import org.attune.json.JsonException;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// Reads a table's file: `.csv` with a header line, `.jsonl` with an object in each line, `.json`
/// with a list of objects. In a CSV file what looks like a number or `true` or `false` is one, and
/// what is empty is null.
final class TableFile {
    private static final Pattern WHOLE = Pattern.compile("[+-]?\\d{1,18}");
    private static final Pattern DECIMAL =
            Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?");

    private final String text;
    private int at;

    private TableFile(String text) {
        this.text = text;
    }

    /// @throws ConfigException if it can't be read, with its line
    static List<?> read(Path file) {
        String text;
        try {
            text = GivenText.read(file);
        } catch (IOException e) {
            throw new ConfigException(
                    "can't read the table's file %s: %s".formatted(file, e.getMessage()), e);
        }
        String name = file.getFileName().toString();
        if (name.endsWith(".csv")) {
            return csv(file, text);
        }
        if (!name.endsWith(".jsonl") && !name.endsWith(".json")) {
            throw new ConfigException(
                    file + " is no table; accepted: .csv, .jsonl and .json files");
        }
        try {
            if (name.endsWith(".jsonl")) {
                return text.lines().filter(line -> !line.isBlank()).map(Json::parse).toList();
            }
            return Json.parse(text) instanceof List<?> list ? list : List.of(Json.parse(text));
        } catch (JsonException e) {
            throw new ConfigException("%s: %s".formatted(file, e.getMessage()), e);
        }
    }

    private static List<?> csv(Path file, String text) {
        var reader = new TableFile(text.startsWith("\ufeff") ? text.substring(1) : text);
        List<String> header = reader.line();
        var rows = new ArrayList<Map<String, Object>>();
        for (int line = 2; reader.at < reader.text.length(); line++) {
            List<String> cells = reader.line();
            if (cells.size() == 1 && cells.getFirst().isBlank()) {
                continue;
            }
            if (cells.size() != header.size()) {
                throw new ConfigException(
                        "%s, row %d: %d values for %d columns"
                                .formatted(file, line, cells.size(), header.size()));
            }
            var row = new LinkedHashMap<String, Object>();
            for (int i = 0; i < cells.size(); i++) {
                row.put(header.get(i).strip(), value(cells.get(i)));
            }
            rows.add(row);
        }
        return rows;
    }

    private static Object value(String cell) {
        String plain = cell.strip();
        if (plain.isEmpty()) {
            return null;
        }
        if (WHOLE.matcher(plain).matches()) {
            return Long.parseLong(plain);
        }
        if (DECIMAL.matcher(plain).matches()) {
            return Double.parseDouble(plain);
        }
        return switch (plain) {
            case "true" -> true;
            case "false" -> false;
            default -> cell;
        };
    }

    /// The cells of a line; quoted ones may hold commas, line ends, and quotes written twice.
    private List<String> line() {
        var cells = new ArrayList<String>();
        var cell = new StringBuilder();
        boolean isQuoted = false;
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (isQuoted) {
                boolean isTwice = c == '"' && at < text.length() && text.charAt(at) == '"';
                if (c == '"' && !isTwice) {
                    isQuoted = false;
                } else {
                    cell.append(c);
                    at += isTwice ? 1 : 0;
                }
            } else if (c == '"' && cell.isEmpty()) {
                isQuoted = true;
            } else if (c == ',') {
                cells.add(cell.toString());
                cell.setLength(0);
            } else if (c == '\n') {
                break;
            } else if (c != '\r') {
                cell.append(c);
            }
        }
        cells.add(cell.toString());
        return cells;
    }
}
