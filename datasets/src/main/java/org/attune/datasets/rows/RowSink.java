package org.attune.datasets.rows;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.DatasetException;

import java.util.List;

/// Receives what a reader finds, in file order.
@Api(EXPERIMENTAL)
public interface RowSink {
    /// The column names of a file that states them once, before its rows (CSV, Parquet, Arrow).
    ///
    /// @param where `file:1`, or the file's name where there are no lines
    default void header(String where, List<String> columns) {}

    /// A row.
    void row(Row row);

    /// A row that can't be read although the rest of the file can. Throwing `fault` ends the
    /// read.
    void fault(RowOrigin origin, DatasetException fault);
}
