package org.attune.auto;

import org.attune.datasets.rows.Row;

import java.util.List;
import java.util.function.Predicate;

/// A table as it was read.
///
/// @param columns names in their order, trimmed
/// @param rows with a value or null for each column
/// @param notes what was found out about the file, for people
/// @param named whether the file names its columns
public record SniffedTable(
        List<String> columns, List<Row> rows, List<String> notes, boolean named) {
    public SniffedTable {
        columns = List.copyOf(columns);
        rows = List.copyOf(rows);
        notes = List.copyOf(notes);
    }

    /// Share of rows for which it holds, from 0 to 1.
    double share(Predicate<Row> test) {
        return rows.stream().filter(test).count() / (double) rows.size();
    }
}
