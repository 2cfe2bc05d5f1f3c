/// Files to rows: JSON Lines, JSON, CSV, plain text and Parquet, read once, front to back.
///
/// Read [RowFiles] (which reader takes which file), then [RowFile], [Row] and [JsonLinesReader].
/// Every fault names file and line (or row). Lines end at `\n` only, so that U+2028, U+0085 and
/// lone carriage returns inside text never cut a row in two.
package org.attune.datasets.rows;
