package org.attune.datasets.sniff;

import org.attune.datasets.rows.Row;

import java.util.List;
import java.util.Locale;

/// Texts that are pieces of other texts, as answers that were marked in what a question is about.
///
/// @param table that holds them
record Extracts(SniffedTable table) {
    /// Share of rows in which a piece stands word by word in the text.
    private static final double MOST = 0.8;

    /// Whether nearly all cells of a column are pieces of those of another, without regard to case.
    boolean areOf(String pieces, String texts) {
        List<Row> rows = table.rows();
        long held =
                rows.stream()
                        .filter(row -> row.get(pieces) != null && row.get(texts) != null)
                        .filter(row -> cell(row, texts).contains(cell(row, pieces)))
                        .count();
        return held >= MOST * rows.size();
    }

    private static String cell(Row row, String column) {
        return String.valueOf(row.get(column)).strip().toLowerCase(Locale.ROOT);
    }
}
