package org.attune.datasets.rows;

import org.attune.error.DatasetException;

import java.io.IOException;
import java.util.LinkedHashMap;

/// Plain text: rows with the column `text`, as Hugging Face `datasets` reads it. Blank rows hold
/// nothing to train on and are left out. Line breaks of Windows become `\n`.
final class TextReader {
    private final RowFile file;
    private final RowSink sink;
    private final SampleBy unit;
    private final StringBuilder text = new StringBuilder();
    private long first; // line of the text
    private long rows;

    private TextReader(RowFile file, RowSink sink, SampleBy unit) {
        this.file = file;
        this.sink = sink;
        this.unit = unit;
    }

    /// @throws DatasetException if it is no text, or has none
    static void read(RowFile file, RowSink sink, SampleBy unit) throws IOException {
        new TextReader(file, sink, unit).read();
    }

    private void read() throws IOException {
        try (var lines = new LineReader(file)) {
            while (lines.advance()) {
                if (lines.number() == 1) {
                    lines.dropByteOrderMark();
                }
                String line = line(lines);
                if (text.isEmpty()) {
                    first = lines.number();
                }
                switch (unit) {
                    case LINE -> {
                        text.append(line);
                        end();
                    }
                    case PARAGRAPH -> {
                        if (line.isEmpty()) {
                            end();
                        } else {
                            text.append(text.isEmpty() ? "" : "\n").append(line);
                        }
                    }
                    case DOCUMENT -> text.append(line).append('\n');
                }
                requireShort();
            }
        }
        end();
        if (rows == 0) {
            throw new DatasetException(file.name() + ":1: the file has no text");
        }
    }

    private String line(LineReader lines) throws IOException {
        String where = new RowOrigin(file.name(), lines.number(), rows).where();
        String line = Utf8.decode(lines.bytes(), lines.length(), where).toString();
        if (line.indexOf('\0') >= 0) {
            throw new DatasetException(where + ": a NUL byte; the file is UTF-16 or no text");
        }
        return line.endsWith("\r") ? line.substring(0, line.length() - 1) : line;
    }

    /// Characters take a byte or more.
    private void requireShort() {
        if (text.length() > file.limits().row()) {
            throw file.limits()
                    .tooLong(
                            "%s:%d: the %s"
                                    .formatted(
                                            file.name(),
                                            first,
                                            unit == SampleBy.DOCUMENT ? "file" : "paragraph"));
        }
    }

    private void end() {
        if (text.chars().anyMatch(c -> c != ' ' && c != '\t' && c != '\n' && c != '\r')) {
            var columns = new LinkedHashMap<String, Object>();
            columns.put("text", text.toString());
            sink.row(new Row(columns, new RowOrigin(file.name(), first, rows++)));
        }
        text.setLength(0);
    }
}
