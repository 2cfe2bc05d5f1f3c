package org.attune.datasets.rows;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;

import org.attune.error.DatasetException;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/// A JSON array of objects, read one object at a time. Files named `.json` that hold one object a
/// line, as many on the Hugging Face hub do, are read as JSON lines.
final class JsonReader {
    private final RowFile file;
    private final RowSink sink;
    private long rows;

    private JsonReader(RowFile file, RowSink sink) {
        this.file = file;
        this.sink = sink;
    }

    static void read(RowFile file, RowSink sink) throws IOException {
        if (holdsLines(file)) {
            JsonLinesReader.read(file, sink);
        } else {
            new JsonReader(file, sink).readArray();
        }
    }

    private void readArray() throws IOException {
        try (var reader =
                        new ElementReader(
                                skipByteOrderMark(file),
                                file.limits(),
                                file.name() + ":1: the value");
                JsonParser parser = JsonValues.FACTORY.createParser(reader)) {
            JsonToken first = next(parser);
            if (first == null) {
                throw new DatasetException(
                        file.name() + ":1: the file is empty; a JSON array of objects is accepted");
            }
            if (first != JsonToken.START_ARRAY) {
                throw new DatasetException(file.name() + ":1: " + notAnArray(value(parser)));
            }
            while (next(parser) != JsonToken.END_ARRAY) {
                element(parser, reader);
            }
            refuseMore(parser);
        }
        if (rows == 0) {
            throw new DatasetException(file.name() + ":1: the file has no rows");
        }
    }

    private void element(JsonParser parser, ElementReader reader) throws IOException {
        long line = parser.currentTokenLocation().getLineNr();
        reader.begin("%s:%d: the element".formatted(file.name(), line));
        var origin = new RowOrigin(file.name(), line, rows++);
        Object value = value(parser);
        if (value instanceof Map<?, ?> map) {
            @SuppressWarnings("unchecked") // JSON objects have string keys
            var columns = (Map<String, Object>) map;
            sink.row(new Row(columns, origin));
        } else {
            sink.fault(
                    origin,
                    new DatasetException(
                            "%s: %s; an object is accepted, {\"column\": value …}"
                                    .formatted(origin.where(), JsonValues.kind(value))));
        }
    }

    private JsonToken next(JsonParser parser) throws IOException {
        try {
            return parser.nextToken();
        } catch (JsonProcessingException e) {
            throw syntax(e);
        }
    }

    private Object value(JsonParser parser) throws IOException {
        try {
            return JsonValues.read(parser);
        } catch (JsonProcessingException e) {
            throw syntax(e);
        }
    }

    private DatasetException syntax(JsonProcessingException e) {
        var at = e.getLocation();
        return new DatasetException(
                "%s:%d: column %d: %s"
                        .formatted(
                                file.name(),
                                at == null ? 1 : at.getLineNr(),
                                at == null ? 1 : at.getColumnNr(),
                                JsonValues.explain(e)),
                e);
    }

    private void refuseMore(JsonParser parser) throws IOException {
        long line;
        try {
            if (parser.nextToken() == null) {
                return;
            }
            line = parser.currentTokenLocation().getLineNr();
        } catch (JsonProcessingException e) {
            line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
        }
        throw new DatasetException(
                file.name() + ":" + line + ": text after the end of the JSON value; remove it");
    }

    private static String notAnArray(Object value) {
        String list = "";
        if (value instanceof Map<?, ?> map) {
            list =
                    map.entrySet().stream()
                            .filter(e -> e.getValue() instanceof List<?>)
                            .findFirst()
                            .map(
                                    e ->
                                            "; the list seems to be in \""
                                                    + e.getKey()
                                                    + "\", save only that")
                            .orElse("");
        }
        return JsonValues.kind(value) + ", a list of objects is accepted" + list;
    }

    /// Whether the first line is a whole object and another one follows on its own line.
    private static boolean holdsLines(RowFile file) throws IOException {
        if (!beginsWithObject(file)) {
            return false; // an array may well stand on one line
        }
        try (var lines = new LineReader(file)) {
            int whole = 0;
            while (whole < 2 && lines.advance()) {
                if (lines.number() == 1) {
                    lines.dropByteOrderMark();
                }
                if (lines.isBlank()) {
                    continue;
                }
                String text =
                        new String(lines.bytes(), 0, lines.length(), StandardCharsets.UTF_8)
                                .strip();
                if (!text.startsWith("{") || !text.endsWith("}")) {
                    return false;
                }
                whole++;
            }
            return whole == 2;
        }
    }

    private static boolean beginsWithObject(RowFile file) throws IOException {
        try (InputStream in = file.open()) {
            int first = in.read();
            while (first == 0xef
                    || first == 0xbb
                    || first == 0xbf
                    || Character.isWhitespace(first)) {
                first = in.read(); // a byte order mark, or space
            }
            return first == '{';
        }
    }

    private static Reader skipByteOrderMark(RowFile file) throws IOException {
        var reader = new BufferedReader(new InputStreamReader(file.open(), Utf8.strictDecoder()));
        reader.mark(1);
        if (reader.read() != '\uFEFF') {
            reader.reset();
        }
        return reader;
    }
}
