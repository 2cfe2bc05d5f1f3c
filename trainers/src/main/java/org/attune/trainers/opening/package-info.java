/// What a method is described by, and what opens its runs: model, rows, reference, rewards,
/// memory. Read [TrainingMethod], then [RowMethod] or [RolloutMethod], then [OpenedRun].
package org.attune.trainers.opening;
