package org.attune.datasets.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Files that `make_arrow.py` wrote give the rows that pyarrow reads of them.
class ArrowFilesTest {
    private static final int MUTATIONS = 200;

    @TempDir Path dir;

    private static Path recorded(String name) {
        try {
            return Path.of(ArrowFilesTest.class.getResource("/recorded/arrow/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"types.arrow", "stream.arrow", "old.arrow", "packed.feather"})
    void everyTypeIsThatOfPyarrow(String name) {
        List<Row> expected = RowFiles.readAll(recorded("types.jsonl"));
        List<Row> read = RowFiles.readAll(recorded(name));
        assertEquals(3, read.size());
        for (int i = 0; i < read.size(); i++) {
            Row row = read.get(i);
            assertEquals(
                    List.copyOf(expected.get(i).columns().keySet()),
                    List.copyOf(row.columns().keySet()));
            expected.get(i)
                    .columns()
                    .forEach((column, value) -> assertEquals(value, row.get(column), column));
        }
        assertEquals(recorded(name) + ", row 2", read.get(2).origin().where());
    }

    @ParameterizedTest
    @CsvSource({"replaced.arrow, w, abcd", "deltas.arrow, w, ababc", "runs.arrow, r, rrnull"})
    void dictionariesChangeAndRunsRepeat(String name, String column, String expected) {
        var values = new StringBuilder();
        RowFiles.readAll(recorded(name)).forEach(row -> values.append(row.get(column)));
        assertEquals(expected, values.toString());
    }

    @Test
    void blocksOfLz4ReachBackIntoEarlierOnes() {
        List<Row> rows = RowFiles.readAll(recorded("blocks.feather"));
        assertEquals(500, rows.size());
        for (int i = 0; i < rows.size(); i++) {
            assertEquals(i + " " + "lorem ipsum ".repeat(i % 40), rows.get(i).get("text"));
        }
    }

    /// A stream may end behind any message; a file ends with its footer.
    @ParameterizedTest
    @ValueSource(strings = {"types.arrow", "stream.arrow", "packed.feather"})
    void aFileThatIsCutShortIsAnError(String name) throws IOException {
        byte[] whole = Files.readAllBytes(recorded(name));
        Path file = dir.resolve(name);
        int refused = 0;
        for (int length = 0; length < whole.length - 8; length += 97) {
            Files.write(file, Arrays.copyOf(whole, length));
            List<Row> rows = new ArrayList<>();
            try {
                RowFiles.forEach(file, rows::add);
            } catch (DatasetException e) {
                assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
                refused++;
            }
        }
        assertEquals((whole.length - 8 + 96) / 97, refused);
    }

    @ParameterizedTest
    @ValueSource(strings = {"types.arrow", "stream.arrow", "packed.feather", "deltas.arrow"})
    void aDamagedFileEndsWithRowsOrAnError(String name) throws IOException {
        byte[] whole = Files.readAllBytes(recorded(name));
        var random = new Random(7);
        Path file = dir.resolve(name);
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] bytes = whole.clone();
            for (int k = 0; k <= i % 3; k++) {
                bytes[random.nextInt(bytes.length)] = (byte) (random.nextBoolean() ? -1 : i);
            }
            Files.write(file, bytes);
            try {
                RowFiles.forEach(file, row -> {});
            } catch (DatasetException e) {
                assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
                refused++;
            }
        }
        assertTrue(refused > 0);
    }

    @Test
    void aBadTextIsAFaultOfItsRow() throws IOException {
        byte[] bytes = Files.readAllBytes(recorded("types.arrow"));
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        bytes[text.lastIndexOf("\u00f0\u009f\u0099\u0082")] = (byte) 0xff;
        Path file = Files.write(dir.resolve("bad.arrow"), bytes);
        List<String> faults = new ArrayList<>();
        var rows = new int[1];
        RowFiles.read(
                file,
                new RowSink() {
                    @Override
                    public void row(Row row) {
                        rows[0]++;
                    }

                    @Override
                    public void fault(RowOrigin origin, DatasetException fault) {
                        faults.add(fault.getMessage());
                    }
                });
        assertEquals(2, rows[0]);
        assertEquals(1, faults.size());
        assertTrue(
                faults.getFirst().startsWith(file + ", row 2: column \"text\": a text is no UTF-8"),
                faults.getFirst());
    }

    @Test
    void whatIsNoArrowIsNamed() throws IOException {
        assertFault("FEA1 and so on", "Feather of version 1");
        assertFault("PAR1 and so on", "rename it to .parquet");
        assertFault("{\"text\": \"a\"}\n", "neither an Arrow file");
        assertFault("", "the file is empty");
    }

    private void assertFault(String content, String part) throws IOException {
        Path file = Files.writeString(dir.resolve("a.feather"), content);
        String message =
                assertThrows(DatasetException.class, () -> RowFiles.readAll(file)).getMessage();
        assertTrue(message.contains(part), message);
    }
}
