package org.attune.datasets.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.zip.GZIPOutputStream;

class GivenRowsTest {
    @TempDir private Path folder;

    /// A row for each line.
    private record Lines(Function<String, Object> value) implements RowFormat {
        @Override
        public String extension() {
            return "lines";
        }

        @Override
        public void read(Path file, InputStream bytes, RowSink sink) throws IOException {
            var lines = new BufferedReader(new InputStreamReader(bytes, StandardCharsets.UTF_8));
            long number = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                var origin = new RowOrigin(file.getFileName().toString(), ++number, number - 1);
                sink.row(new Row(Map.of("text", value.apply(line)), origin));
            }
        }
    }

    private List<Row> read(String name, Function<String, Object> value) throws IOException {
        Path file = folder.resolve(name);
        try (OutputStream out = Files.newOutputStream(file);
                OutputStream packed = name.endsWith(".gz") ? new GZIPOutputStream(out) : out) {
            packed.write("one\ntwo\n".getBytes(StandardCharsets.UTF_8));
        }
        List<Row> rows = new ArrayList<>();
        GivenRows.read(
                new Lines(value),
                new RowFile(file, name, RowLimits.ofSystem()),
                new RowSink() {
                    @Override
                    public void row(Row row) {
                        rows.add(row);
                    }

                    @Override
                    public void fault(RowOrigin origin, DatasetException fault) {
                        throw fault;
                    }
                });
        return rows;
    }

    @Test
    void rowsComeInOrderAndUnpacked() throws IOException {
        for (String name : List.of("a.lines", "a.lines.gz")) {
            List<Row> rows = read(name, line -> line);
            assertEquals(List.of("one", "two"), rows.stream().map(r -> r.get("text")).toList());
            assertEquals(name + ":2", rows.getLast().origin().where());
        }
    }

    @Test
    void valuesThatJsonDoesNotHaveAreRefused() {
        for (Object value : List.of(1, 1f, 'c', List.of(1), Map.of("a", 'c'))) {
            var refused = assertThrows(DatasetException.class, () -> read("a.lines", _ -> value));
            assertTrue(
                    refused.getMessage().startsWith("a.lines:1: column \"text\" holds "),
                    refused.getMessage());
        }
    }

    @Test
    void aReaderThatFailsIsNamed() {
        var failed =
                assertThrows(DatasetException.class, () -> read("a.lines", line -> line.charAt(9)));
        assertTrue(failed.getMessage().contains(Lines.class.getName()), failed.getMessage());
        var own =
                assertThrows(
                        DatasetException.class,
                        () ->
                                read(
                                        "a.lines",
                                        _ -> {
                                            throw new DatasetException("a.lines:1: no");
                                        }));
        assertEquals("a.lines:1: no", own.getMessage());
    }
}
