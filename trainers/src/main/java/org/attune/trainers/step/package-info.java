/// A step of training, whatever the method. [Trainer] is the course of a run: a [RowSupply] gives
/// the rows of a step, [StepEngine] computes its loss and gradients by a [StepObjective], and
/// `trainers.loop` changes the weights. Devices, ranks, clocks and the wish to stop are known here;
/// a method knows none of them.
package org.attune.trainers.step;
