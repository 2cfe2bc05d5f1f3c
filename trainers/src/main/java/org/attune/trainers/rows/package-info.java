/// What methods that learn from given rows share. [GivenRows] supplies the rows of a run; a method
/// gives it a [RowObjective], whose sums turn what the models say of rows into loss, gradients and
/// metrics. Numbers of a frozen reference may be kept on disk ([ReferenceCache]).
///
/// `M` is the number of targets of a group of rows.
package org.attune.trainers.rows;
