package org.attune.datasets.rows;

import org.attune.error.DatasetException;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;

/// Comma- or tab-separated values after RFC 4180, with
/// a header line. All values are strings: `007` stays text and `NA` is no null.
final class CsvReader implements DelimitedRecords.Watch {
    private final RowFile file;
    private final DelimitedRecords records;
    private long recordLine = 1;

    private CsvReader(RowFile file, Reader in, char delimiter) throws IOException {
        this.file = file;
        records = new DelimitedRecords(in, DelimitedRecords.Dialect.usual(delimiter), false, this);
    }

    static void read(RowFile file, char delimiter, RowSink sink) throws IOException {
        try (var reader =
                new BufferedReader(new InputStreamReader(file.open(), Utf8.strictDecoder()))) {
            new CsvReader(file, reader, delimiter).readTo(sink);
        }
    }

    private void readTo(RowSink sink) throws IOException {
        long headerLine = records.line();
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
            records.skipEmptyLines();
            var origin = new RowOrigin(file.name(), records.line(), rows);
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

    private List<String> record() throws IOException {
        recordLine = records.line();
        return records.next();
    }

    @Override
    public void begins(int fields) {
        if (fields == RowLimits.COLUMNS) {
            throw new DatasetException(
                    "%s:%d: more than %d fields; the delimiter seems to be another"
                            .formatted(file.name(), recordLine, RowLimits.COLUMNS));
        }
    }

    @Override
    public void took(int character, long length) {
        if (character == 0) {
            throw new DatasetException(
                    "%s:%d: a NUL byte; the file is UTF-16 or no text"
                            .formatted(file.name(), records.line()));
        }
        if (length > file.limits().row()) {
            throw file.limits()
                    .tooLong(
                            "%s:%d: the row (is a quote that is opened in it never closed?)"
                                    .formatted(file.name(), recordLine));
        }
    }

    @Override
    public void fault(long line, String what) {
        throw new DatasetException("%s:%d: %s".formatted(file.name(), line, what));
    }
}
