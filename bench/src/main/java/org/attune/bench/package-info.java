/// Measures runs: the work, the clock, the counts of operations, the peers, and the reports.
///
/// A benchmark starts its own process for each repeat (`BenchSession`), so that peak memory is
/// that repeat's and other programs can take turns. The process (`BenchWorker`) runs the same
/// trainers and the same generator as every other command. Dimensions: `N` rows, `D` model width,
/// `F` inner width, `V` vocabulary, `L` blocks, `r` adapter rank.
package org.attune.bench;
