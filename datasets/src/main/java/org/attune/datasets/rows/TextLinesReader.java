package org.attune.datasets.rows;

import org.attune.error.DatasetException;

import java.io.IOException;
import java.util.LinkedHashMap;

/// Plain text: one row with the column `text` per line, as Hugging Face `datasets` reads it.
/// Blank lines hold nothing to train on and are skipped.
final class TextLinesReader {
    private TextLinesReader() {}

    static void read(RowFile file, RowSink sink) throws IOException {
        long rows = 0;
        try (var lines = new LineReader(file)) {
            while (lines.advance()) {
                if (lines.number() == 1) {
                    lines.dropByteOrderMark();
                }
                if (lines.isBlank()) {
                    continue;
                }
                var origin = new RowOrigin(file.name(), lines.number(), rows++);
                String text = Utf8.decode(lines.bytes(), lines.length(), origin.where()).toString();
                if (text.indexOf('\0') >= 0) {
                    throw new DatasetException(
                            origin.where() + ": a NUL byte; the file is UTF-16 or no text");
                }
                var columns = new LinkedHashMap<String, Object>();
                columns.put(
                        "text", text.endsWith("\r") ? text.substring(0, text.length() - 1) : text);
                sink.row(new Row(columns, origin));
            }
        }
        if (rows == 0) {
            throw new DatasetException(file.name() + ":1: the file has no text");
        }
    }
}
