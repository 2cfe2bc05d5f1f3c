package org.attune.auto;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Rows of delimited text. A few that are broken, with too many or too few fields, with a quote in
/// the wrong place or with bytes that can't be read, are left out and noted; more of them are an
/// error.
///
/// @param isDamaged whether bytes couldn't be read
record TableRows(Path file, DelimitedText text, List<String> columns, boolean isDamaged) {
    private static final double MOST_BROKEN = 0.05;

    /// Rows from which on a single broken one is left out.
    private static final int MANY = 20;

    private static final int SHOWN = 10;

    /// The rows.
    ///
    /// @param first record that is a row
    /// @param notes to which it is added what was left out
    /// @throws DatasetException if too many are broken
    List<Row> from(int first, List<String> notes) {
        List<Row> rows = new ArrayList<>();
        int headers = 0;
        int prose = 0;
        boolean joins = !isSpaced(first);
        List<Integer> broken = new ArrayList<>();
        var lost = new BitSet();
        for (int i = first; i < text.records().size(); i++) {
            List<String> values = text.records().get(i);
            if (values.stream().allMatch(v -> v.isBlank() || v.strip().matches(":?-{3,}:?"))) {
                continue; // the rule below a header
            }
            boolean faulty = text.isFaulty(i);
            if (joins && !faulty && !isWhole(values) && joined(values).size() == columns.size()) {
                values = joined(values);
                prose++;
            }
            if (faulty || !isWhole(values) || isDamaged && isUnreadable(values)) {
                broken.add(i);
                int line = text.lines().get(i);
                lost.set(line, line + (faulty ? text.height(i) : 1));
                continue;
            }
            if (repeatsHeader(values)) {
                headers++;
                continue; // of a file that was put behind another one
            }
            rows.add(row(values, text.lines().get(i), rows.size()));
        }
        if (prose > 0) {
            notes.add(
                    "lines where a %s before a blank is part of the text: %d"
                            .formatted(TableReader.shown(text.dialect().delimiter()), prose));
        }
        if (headers > 0) {
            notes.add("lines that repeat the header, left out: " + headers);
        }
        if (!broken.isEmpty()) {
            requireFew(broken, lost.cardinality(), rows.size());
            notes.add(
                    "broken lines that were left out: %d (%s)"
                            .formatted(lost.cardinality(), lines(lost)));
        }
        return rows;
    }

    private static String lines(BitSet lost) {
        String lines =
                lost.stream()
                        .limit(SHOWN)
                        .mapToObj(String::valueOf)
                        .collect(Collectors.joining(", "));
        return lines + (lost.cardinality() > SHOWN ? " …" : "");
    }

    private void requireFew(List<Integer> broken, int lost, int rows) {
        boolean single = lost == 1 && rows >= MANY;
        if (single || lost <= MOST_BROKEN * rows) {
            return;
        }
        int record = broken.getFirst();
        int line = text.lines().get(record);
        if (text.isFaulty(record)) {
            throw new DatasetException(
                    "%s:%d: a quote is opened and not closed, or text follows a closing quote; write a quote inside a field twice"
                            .formatted(file, line));
        }
        if (isWhole(text.records().get(record))) {
            throw new DatasetException(
                    "%s:%d: bytes that are no text in this encoding; save the file as UTF-8 again"
                            .formatted(file, line));
        }
        throw new DatasetException(
                "%s:%d: %d fields, but there are %d columns (%s); quote fields that contain the delimiter %s; %d lines are broken, and up to %.0f %% would be left out"
                        .formatted(
                                file,
                                line,
                                text.records().get(record).size(),
                                columns.size(),
                                String.join(", ", columns),
                                TableReader.shown(text.dialect().delimiter()),
                                lost,
                                100 * MOST_BROKEN));
    }

    private Row row(List<String> values, int line, int index) {
        Map<String, Object> row = new LinkedHashMap<>();
        for (int c = 0; c < columns.size(); c++) {
            String value = values.get(c);
            row.put(columns.get(c), Judgement.isMissing(value) ? null : value);
        }
        return new Row(row, new RowOrigin(file.toString(), line, index));
    }

    /// Whether a record with the right number of fields has one behind a delimiter and a blank, so
    /// that such delimiters end fields.
    private boolean isSpaced(int first) {
        return text.records().stream()
                .skip(first)
                .filter(this::isWhole)
                .anyMatch(r -> r.stream().skip(1).anyMatch(f -> f.startsWith(" ")));
    }

    /// The record without the delimiters that a blank follows, as in prose.
    private List<String> joined(List<String> values) {
        List<String> joined = new ArrayList<>();
        for (String value : values) {
            if (value.startsWith(" ") && !joined.isEmpty()) {
                joined.set(
                        joined.size() - 1, joined.getLast() + text.dialect().delimiter() + value);
            } else {
                joined.add(value);
            }
        }
        return joined;
    }

    private boolean repeatsHeader(List<String> values) {
        for (int c = 0; c < columns.size(); c++) {
            if (!columns.get(c).equals(values.get(c).strip())) {
                return false;
            }
        }
        return true;
    }

    private static boolean isUnreadable(List<String> values) {
        return values.stream().anyMatch(v -> v.indexOf(TextEncoding.UNREADABLE) >= 0);
    }

    /// Whether there is a field for each column; spreadsheets write empty ones behind them.
    private boolean isWhole(List<String> values) {
        return values.size() >= columns.size()
                && values.subList(columns.size(), values.size()).stream().allMatch(String::isBlank);
    }
}
