package org.attune.datasets.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Maps within lists, objects and maps are read as pyarrow reads them.
class ParquetMapsTest {
    private static Path recorded(String name) {
        try {
            return Path.of(ParquetMapsTest.class.getResource("/recorded/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void nestedMapsAreThoseOfPyarrow() {
        List<Row> expected = RowFiles.readAll(recorded("maps.jsonl"));
        List<Row> read = RowFiles.readAll(recorded("maps.parquet"));
        assertEquals(40, expected.size());
        assertEquals(expected.size(), read.size());
        for (int i = 0; i < read.size(); i++) {
            Row row = read.get(i);
            expected.get(i)
                    .columns()
                    .forEach(
                            (column, value) ->
                                    assertEquals(
                                            value,
                                            row.get(column),
                                            () -> column + " of row " + row.origin().where()));
        }
    }

    private static void read(String name, List<Row> rows, List<String> faults) {
        RowFiles.read(
                recorded(name),
                new RowSink() {
                    @Override
                    public void row(Row row) {
                        rows.add(row);
                    }

                    @Override
                    public void fault(RowOrigin origin, DatasetException fault) {
                        faults.add(fault.getMessage());
                    }
                });
    }

    /// A text may hold the replacement character itself.
    @ParameterizedTest
    @ValueSource(strings = {"t", "l", "s", "m", "k"})
    void textsThatAreNoUtf8AreFaultsOfTheirRows(String place) {
        var rows = new ArrayList<Row>();
        var faults = new ArrayList<String>();
        read("text_" + place + ".parquet", rows, faults);
        assertEquals(List.of(0L, 1L), rows.stream().map(row -> row.get("n")).toList());
        assertTrue(rows.getLast().get("c").toString().contains("\uFFFD"));
        assertEquals(1, faults.size());
        assertTrue(
                faults.getFirst().endsWith("row 2: a text is no UTF-8: \"caf\uFFFD\""),
                faults::toString);
    }

    @Test
    void keysThatOccurTwiceOrAreBinaryAreFaultsOfTheirRows() {
        var rows = new ArrayList<Row>();
        var faults = new ArrayList<String>();
        read("map_keys.parquet", rows, faults);
        assertEquals(1, rows.size());
        assertTrue(
                faults.getFirst().endsWith("row 1: key \"a\" occurs twice in a map"),
                faults::toString);
        assertTrue(faults.getLast().contains("row 2: a key of a map is binary"), faults::toString);
    }

    @Test
    void whatTheDecoderReadsWronglyIsRefused() {
        var error =
                assertThrows(
                        DatasetException.class,
                        () -> RowFiles.readAll(recorded("map_first.parquet")));
        assertTrue(
                error.getMessage().contains("column \"m\" has maps to objects whose first field"),
                error::getMessage);
    }
}
