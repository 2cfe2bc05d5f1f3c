package org.attune.datasets.rows;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// One row of a data set: column names in file order with JSON values (`Map<String,Object>`,
/// `List<Object>`, `String`, `Long`, `BigInteger`, `Double`, `Boolean`, `null`; from Parquet
/// and Arrow also `byte[]`).
@Api(STABLE)
public record Row(Map<String, Object> columns, RowOrigin origin) {
    public Row {
        columns = Collections.unmodifiableMap(columns);
    }

    /// Whether the column exists and isn't null.
    public boolean has(String column) {
        return columns.get(column) != null;
    }

    /// The value of a column, or null.
    public Object get(String column) {
        return columns.get(column);
    }

    /// Replaces the columns; the row's origin stays.
    public Row with(Map<String, Object> other) {
        return new Row(new LinkedHashMap<>(other), origin);
    }
}
