package org.attune.datasets.sniff;

import org.attune.datasets.rows.Row;

import java.util.Locale;

/// Texts that are pieces of other texts, as answers that were marked in what a question is about.
///
/// @param table that holds them
record Extracts(SniffedTable table) {
    /// Share of rows from which on a column's cells are pieces of another's.
    private static final double MOST = 0.8;

    /// Whether nearly all cells of a column are pieces of those of another.
    boolean areOf(String pieces, String texts) {
        return share(pieces, texts) >= MOST;
    }

    /// Share of rows in which a column's cell stands word by word, without regard to case, in a
    /// longer one of another column.
    double share(String pieces, String texts) {
        return table.share(
                row ->
                        row.get(pieces) != null
                                && !cell(row, pieces).equals(cell(row, texts))
                                && cell(row, texts).contains(cell(row, pieces)));
    }

    private static String cell(Row row, String column) {
        return String.valueOf(row.get(column)).strip().toLowerCase(Locale.ROOT);
    }
}
