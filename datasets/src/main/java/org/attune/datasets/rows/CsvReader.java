package org.attune.datasets.rows;

import org.attune.error.DatasetException;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;

/// Comma- or tab-separated values after RFC 4180, with
/// a header line. All values are strings: `007` stays text and `NA` is no null.
final class CsvReader {
    private final RowFile file;
    private final Reader in;
    private final char delimiter;
    private int ahead;
    private long line = 1;
    private long recordLine = 1;
    private long recordLength;
    private final StringBuilder field = new StringBuilder();

    private CsvReader(RowFile file, Reader in, char delimiter) throws IOException {
        this.file = file;
        this.in = in;
        this.delimiter = delimiter;
        this.ahead = in.read();
        if (ahead == '\uFEFF') {
            ahead = in.read();
        }
    }

    static void read(RowFile file, char delimiter, RowSink sink) throws IOException {
        try (var reader =
                new BufferedReader(new InputStreamReader(file.open(), Utf8.strictDecoder()))) {
            new CsvReader(file, reader, delimiter).readTo(sink);
        }
    }

    private void readTo(RowSink sink) throws IOException {
        long headerLine = line;
        List<String> header = record();
        if (header == null) {
            throw new DatasetException(
                    file.name() + ":1: the file is empty; a header line and rows are accepted");
        }
        String where = file.name() + ":" + headerLine;
        var seen = new HashSet<String>();
        for (String column : header) {
            if (!seen.add(column)) {
                throw new DatasetException(where + ": column \"" + column + "\" occurs twice");
            }
        }
        sink.header(where, header);
        long rows = 0;
        while (true) {
            skipBlankLines();
            var origin = new RowOrigin(file.name(), line, rows);
            List<String> values = record();
            if (values == null) {
                break;
            }
            rows++;
            deliver(header, values, origin, sink);
        }
        if (rows == 0) {
            throw new DatasetException(where + ": the file has no rows, only a header");
        }
    }

    private static void deliver(
            List<String> header, List<String> values, RowOrigin origin, RowSink sink) {
        if (values.size() != header.size()) {
            sink.fault(
                    origin,
                    new DatasetException(
                            "%s: %d field%s, but the header has %d columns (%s); quote fields that contain the delimiter"
                                    .formatted(
                                            origin.where(),
                                            values.size(),
                                            values.size() == 1 ? "" : "s",
                                            header.size(),
                                            String.join(", ", header))));
            return;
        }
        var columns = new LinkedHashMap<String, Object>();
        for (int i = 0; i < header.size(); i++) {
            columns.put(header.get(i), values.get(i));
        }
        sink.row(new Row(columns, origin));
    }

    private void skipBlankLines() throws IOException {
        while (ahead == '\n' || ahead == '\r') {
            take();
            recordLength = 0;
        }
    }

    /// The fields of the next record, or null at the end of the file.
    private List<String> record() throws IOException {
        if (ahead < 0) {
            return null;
        }
        recordLine = line;
        recordLength = 0;
        var fields = new ArrayList<String>();
        while (true) {
            if (fields.size() == RowLimits.COLUMNS) {
                throw new DatasetException(
                        "%s:%d: more than %d fields; the delimiter seems to be another"
                                .formatted(file.name(), recordLine, RowLimits.COLUMNS));
            }
            fields.add(ahead == '"' ? quoted() : plain());
            if (ahead == delimiter) {
                take();
                continue;
            }
            if (ahead == '\r') {
                take();
            }
            if (ahead == '\n') {
                take();
            }
            return fields;
        }
    }

    private String plain() throws IOException {
        field.setLength(0);
        while (ahead >= 0 && ahead != delimiter && ahead != '\n' && ahead != '\r') {
            field.append((char) take());
        }
        return field.toString();
    }

    private String quoted() throws IOException {
        long opened = line;
        take();
        field.setLength(0);
        while (true) {
            if (ahead < 0) {
                throw new DatasetException(
                        file.name() + ":" + opened + ": a quote is opened and never closed");
            }
            int c = take();
            if (c != '"') {
                field.append((char) c);
            } else if (ahead == '"') {
                field.append((char) take());
            } else {
                break;
            }
        }
        if (ahead >= 0 && ahead != delimiter && ahead != '\n' && ahead != '\r') {
            throw new DatasetException(
                    "%s:%d: '%s' after a closing quote; write a quote inside a field twice"
                            .formatted(file.name(), line, Character.toString(ahead)));
        }
        return field.toString();
    }

    private int take() throws IOException {
        int taken = ahead;
        if (taken == '\n') {
            line++;
        } else if (taken == 0) {
            throw new DatasetException(
                    "%s:%d: a NUL byte; the file is UTF-16 or no text"
                            .formatted(file.name(), line));
        }
        if (++recordLength > file.limits().row()) {
            throw file.limits()
                    .tooLong(
                            "%s:%d: the row (is a quote that is opened in it never closed?)"
                                    .formatted(file.name(), recordLine));
        }
        ahead = in.read();
        return taken;
    }
}
