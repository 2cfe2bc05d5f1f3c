package org.attune.datasets.rows;

import org.attune.error.DatasetException;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;

/// Delimited values after RFC 4180, with a header line, which says what the delimiter is. All
/// values are strings: `007` stays text and `NA` is no null.
final class CsvReader implements DelimitedRecords.Watch {
    private final RowFile file;
    private final DelimitedRecords records;
    private long recordLine = 1;

    private CsvReader(RowFile file, Reader in, char delimiter) throws IOException {
        this.file = file;
        records = new DelimitedRecords(in, DelimitedRecords.Dialect.usual(delimiter), false, this);
    }

    /// Delimiters of files called `.csv`, the likeliest first: spreadsheets write semicolons where
    /// the comma stands in decimals.
    private static final String DELIMITERS = ",;\t|";

    private static final int LONGEST_HEADER = 1 << 16;

    /// Comma-separated values, or what the header has outside quotes instead of a comma.
    static void readCommas(RowFile file, RowSink sink) throws IOException {
        try (BufferedReader reader = open(file)) {
            new CsvReader(file, reader, delimiter(reader)).readTo(sink);
        }
    }

    /// Tab-separated values.
    static void readTabs(RowFile file, RowSink sink) throws IOException {
        try (BufferedReader reader = open(file)) {
            new CsvReader(file, reader, '\t').readTo(sink);
        }
    }

    private static BufferedReader open(RowFile file) throws IOException {
        return new BufferedReader(
                new InputStreamReader(file.open(), Utf8.strictDecoder()), LONGEST_HEADER);
    }

    /// The delimiter of the header, which is read again afterwards.
    private static char delimiter(BufferedReader reader) throws IOException {
        reader.mark(LONGEST_HEADER);
        int best = DELIMITERS.length();
        boolean isQuoted = false;
        for (int i = 0; i < LONGEST_HEADER; i++) {
            int c = reader.read();
            isQuoted ^= c == '"';
            if (c < 0 || !isQuoted && (c == '\n' || c == '\r')) {
                break;
            }
            int place = isQuoted ? -1 : DELIMITERS.indexOf(c);
            best = place < 0 ? best : Math.min(best, place);
        }
        reader.reset();
        return DELIMITERS.charAt(best % DELIMITERS.length());
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
