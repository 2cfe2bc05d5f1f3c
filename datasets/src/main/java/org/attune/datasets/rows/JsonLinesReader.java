package org.attune.datasets.rows;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;

import org.attune.error.DatasetException;

import java.io.IOException;
import java.nio.CharBuffer;
import java.util.Map;

/// One JSON object a line; blank lines are skipped. A line that can't be read is a fault of that
/// row, the next line is read again.
final class JsonLinesReader {
    private final RowFile file;
    private final RowSink sink;
    private long rows;
    private long faults;

    private JsonLinesReader(RowFile file, RowSink sink) {
        this.file = file;
        this.sink = sink;
    }

    static void read(RowFile file, RowSink sink) throws IOException {
        new JsonLinesReader(file, sink).readLines();
    }

    private void readLines() throws IOException {
        boolean any = false;
        try (var lines = new LineReader(file)) {
            while (lines.advance()) {
                any = true;
                if (lines.number() == 1) {
                    lines.dropByteOrderMark();
                    refuseForeignStart(lines);
                }
                if (!lines.isBlank()) {
                    readLine(lines);
                }
            }
        }
        if (rows + faults == 0) {
            throw new DatasetException(
                    "%s:1: %s; one JSON object a line is accepted"
                            .formatted(
                                    file.name(),
                                    any ? "the file has no rows" : "the file is empty"));
        }
    }

    private void refuseForeignStart(LineReader lines) {
        int first = lines.length() > 0 ? lines.bytes()[0] & 0xff : 0;
        int second = lines.length() > 1 ? lines.bytes()[1] & 0xff : 0;
        if (first == 0xff && second == 0xfe || first == 0xfe && second == 0xff) {
            throw new DatasetException(
                    file.name() + ":1: the file is UTF-16; UTF-8 is accepted, convert it");
        }
        if (first == '[') {
            throw new DatasetException(
                    file.name()
                            + ":1: a JSON array in a file of JSON lines; rename it to .json, or"
                            + " write one object a line");
        }
    }

    private void readLine(LineReader lines) {
        var origin = new RowOrigin(file.name(), lines.number(), rows + faults);
        try {
            Map<String, Object> columns = parse(lines, origin.where());
            rows++;
            sink.row(new Row(columns, origin));
        } catch (RowFault fault) {
            faults++;
            sink.fault(origin, fault.asDatasetException());
        }
    }

    private static Map<String, Object> parse(LineReader lines, String where) throws RowFault {
        CharBuffer text;
        try {
            text = Utf8.decode(lines.bytes(), lines.length(), where);
        } catch (DatasetException e) {
            throw new RowFault(e);
        }
        if (text.charAt(0) == '\uFEFF') {
            throw new RowFault(where + ": byte order mark inside the file; remove it");
        }
        if (text.charAt(0) == '\0') {
            throw new RowFault(where + ": NUL bytes; the file was probably not written to its end");
        }
        try (JsonParser parser =
                JsonValues.FACTORY.createParser(
                        text.array(), text.arrayOffset(), text.remaining())) {
            JsonToken first = parser.nextToken();
            if (first == JsonToken.START_OBJECT) {
                @SuppressWarnings("unchecked") // read() gives a map for START_OBJECT
                var columns = (Map<String, Object>) JsonValues.read(parser);
                refuseMore(parser, where, text);
                return columns;
            }
            throw new RowFault(
                    "%s: %s; an object is accepted, {\"column\": value …}"
                            .formatted(where, JsonValues.kind(JsonValues.read(parser))));
        } catch (JsonProcessingException e) {
            long column = e.getLocation() == null ? 1 : e.getLocation().getColumnNr();
            String hint = text.length() < 3 ? "; a row must stand on one line" : "";
            throw new RowFault(
                    "%s: column %d: %s%s".formatted(where, column, JsonValues.explain(e), hint));
        } catch (IOException e) {
            throw new RowFault(where + ": " + e.getMessage());
        }
    }

    private static void refuseMore(JsonParser parser, String where, CharBuffer text)
            throws IOException, RowFault {
        long column = parser.currentLocation().getColumnNr();
        boolean more;
        try {
            more = parser.nextToken() != null;
        } catch (JsonProcessingException _) {
            more = true;
        }
        if (more) {
            int returns = text.toString().strip().indexOf('\r');
            throw new RowFault(
                    "%s: column %d: more than one value on a line%s"
                            .formatted(
                                    where,
                                    column,
                                    returns >= 0 ? " (lines end in CR only; LF is accepted)" : ""));
        }
    }

    /// Carries a fault of one row past code that may also be ended by the sink.
    private static final class RowFault extends Exception {
        private static final long serialVersionUID = 1L;

        RowFault(String message) {
            super(message);
        }

        RowFault(DatasetException cause) {
            super(cause.getMessage(), cause);
        }

        DatasetException asDatasetException() {
            return new DatasetException(getMessage(), getCause());
        }
    }
}
