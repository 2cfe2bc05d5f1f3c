package org.attune.datasets.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Test;

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

    @Test
    void keysThatOccurTwiceOrAreBinaryAreFaultsOfTheirRows() {
        var rows = new ArrayList<Row>();
        var faults = new ArrayList<String>();
        RowFiles.read(
                recorded("map_keys.parquet"),
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
