package org.attune.datasets.parquet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// What is written is read back by an independent reader.
class ParquetTableTest {
    @TempDir Path folder;

    private List<Row> readBack(ParquetTable table) throws IOException {
        Path file = folder.resolve("table.parquet");
        table.write(file);
        return RowFiles.readAll(file);
    }

    private List<Object> readBack(ParquetColumn column) throws IOException {
        return readBack(new ParquetTable(List.of(column))).stream()
                .map(row -> row.get(column.name()))
                .toList();
    }

    @Test
    void aColumnHasTheNarrowestKindThatHoldsAllValues() {
        Message message = Message.of("user", "x");
        assertInstanceOf(ParquetColumn.Booleans.class, of(true, null));
        assertInstanceOf(ParquetColumn.Longs.class, of(null, 1L));
        assertEquals(Arrays.asList(1.0, null, 0.5), of(1L, null, 0.5).values());
        assertInstanceOf(ParquetColumn.Doubles.class, of(null, null));
        assertInstanceOf(ParquetColumn.Conversations.class, of(List.of(message), List.of(), null));
        assertEquals(List.of("a", "1", "true"), of("a", 1L, true).values());
        assertEquals(
                Arrays.asList("[\"a\"]", null, "{\"b\":[]}"),
                of(List.of("a"), null, Map.of("b", List.of())).values());
    }

    private static ParquetColumn of(Object... values) {
        return ParquetColumn.of("c", Arrays.asList(values));
    }

    @Test
    void numbersKeepEveryBit() throws IOException {
        List<Double> doubles =
                Arrays.asList(0.1, null, Double.MIN_VALUE, -1e300, Double.NaN, 1.0 / 3);
        assertEquals(doubles, readBack(new ParquetColumn.Doubles("x", doubles)));
        List<Long> longs = Arrays.asList(Long.MIN_VALUE, -1L, 0L, null, Long.MAX_VALUE);
        assertEquals(longs, readBack(new ParquetColumn.Longs("x", longs)));
    }

    /// More than two bytes of bits, with holes.
    @Test
    void truthValuesArePackedInOrder() throws IOException {
        List<Boolean> flags =
                IntStream.range(0, 19).mapToObj(i -> i % 7 == 3 ? null : i % 3 == 0).toList();
        assertEquals(flags, readBack(new ParquetColumn.Booleans("x", flags)));
    }

    @Test
    void textsMayBeEmptyMissingOrOfAnyCharacters() throws IOException {
        List<String> texts =
                Arrays.asList("", null, "two\nlines\u0000", "日本語 😀", "x".repeat(70_000));
        assertEquals(texts, readBack(new ParquetColumn.Texts("x", texts)));
    }

    @Test
    void conversationsAreListsOfStructs() throws IOException {
        var tool =
                new Message(
                        Map.of("role", "assistant", "tool_calls", List.of(Map.of("name", "f"))));
        List<List<Message>> conversations =
                Arrays.asList(
                        List.of(Message.of("system", "be brief"), Message.of("user", "hi")),
                        List.of(),
                        null,
                        List.of(tool),
                        List.of(Message.of("user", "last")));
        List<Object> read = readBack(new ParquetColumn.Conversations("x", conversations));
        List<?> first = (List<?>) read.get(0);
        assertEquals("be brief", ((Map<?, ?>) first.get(0)).get("content"));
        assertEquals("user", ((Map<?, ?>) first.get(1)).get("role"));
        assertEquals(List.of(), read.get(1));
        assertEquals(null, read.get(2));
        Map<?, ?> call = (Map<?, ?>) ((List<?>) read.get(3)).get(0);
        assertEquals("assistant", call.get("role"));
        assertEquals(null, call.get("content"));
        assertEquals("[{\"name\":\"f\"}]", call.get("tool_calls"));
        assertEquals("last", ((Map<?, ?>) ((List<?>) read.get(4)).get(0)).get("content"));
    }

    /// More columns and longer runs than the short forms of lists and numbers hold.
    @Test
    void manyColumnsAndRows() throws IOException {
        List<ParquetColumn> columns = new ArrayList<>();
        for (int c = 0; c < 40; c++) {
            long start = 1000L * c;
            columns.add(
                    new ParquetColumn.Longs(
                            "column " + c, LongStream.range(start, start + 700).boxed().toList()));
        }
        List<Row> rows = readBack(new ParquetTable(columns));
        assertEquals(700, rows.size());
        assertEquals(39_699L, rows.getLast().get("column 39"));
        assertEquals(List.of(), readBack(new ParquetColumn.Texts("none", List.of())));
    }

    @Test
    void equalTablesGiveEqualBytes() {
        var table =
                new ParquetTable(List.of(new ParquetColumn.Texts("x", Arrays.asList("a", null))));
        byte[] bytes = table.toByteArray();
        assertArrayEquals(bytes, table.toByteArray());
        assertTrue(bytes.length > 12);
    }

    @Test
    void columnsMustFit() {
        var one = new ParquetColumn.Longs("a", List.of(1L));
        var two = new ParquetColumn.Longs("b", List.of(1L, 2L));
        List<List<ParquetColumn>> bad = List.of(List.of(), List.of(one, two), List.of(one, one));
        for (List<ParquetColumn> columns : bad) {
            assertThrows(IllegalArgumentException.class, () -> new ParquetTable(columns));
        }
    }
}
