package org.attune.datasets.rows;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

/// The place a row comes from.
///
/// @param file the file, as the user would recognise it
/// @param line line of the row's first character, from 1; 0 if the format has no lines
/// @param row  position among the rows of the file, from 0
@Api(STABLE)
public record RowOrigin(String file, long line, long row) {
    /// `train.jsonl:812`, or `train.parquet, row 811` (rows count from 0) where there are no
    /// lines.
    public String where() {
        return line > 0 ? file + ":" + line : file + ", row " + row;
    }

    @Override
    public String toString() {
        return where();
    }
}
