/// The training loop and what it writes: steps, clocks, metrics, updates of weights, checkpoints.
///
/// Read [TrainingLoop], then [RunParts], [WeightUpdates] and [TrainingListener].
package org.attune.trainers.loop;
