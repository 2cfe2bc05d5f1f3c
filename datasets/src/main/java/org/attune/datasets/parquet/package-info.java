/// Tables written as [Parquet](https://parquet.apache.org/docs/file-format/): read
/// [ParquetTable#write]. The readers of files are in [org.attune.datasets.rows].
package org.attune.datasets.parquet;
