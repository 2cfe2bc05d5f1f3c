/// Tables written as [Parquet](https://github.com/apache/parquet-format): read
/// [ParquetTable#write]. The readers of files are in [org.attune.datasets.rows].
package org.attune.datasets.parquet;
