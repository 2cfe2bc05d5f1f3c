package org.attune.trainers.rows;

import org.attune.datasets.layout.RowForest;
import org.attune.trainers.loop.StartingPoint;

import java.util.List;
import java.util.Optional;

/// The references of a run: one for its training rows, one for each evaluation set. As long as the
/// policy is its reference ([StartingPoint]), it speaks for both.
///
/// @param start empty without a reference
/// @param training of the training rows
/// @param heldOut of each evaluation set
record References<R, F extends RowForest>(
        Optional<StartingPoint> start, Reference<R, F> training, List<Reference<R, F>> heldOut) {
    References {
        heldOut = List.copyOf(heldOut);
    }

    /// The one for a training step.
    ///
    /// @param step from 0
    Reference<R, F> atStep(int step) {
        boolean same = start.isPresent() && start.get().isTrainedAt(step);
        return same ? new Reference.Policy<>() : training;
    }

    /// The one for an evaluation set.
    ///
    /// @param set its number, from 0
    Reference<R, F> heldOut(int set) {
        boolean same = start.isPresent() && start.get().isMeasured();
        return same ? new Reference.Policy<>() : heldOut.get(set);
    }

    /// Says that a step was made.
    void made(int step) {
        start.ifPresent(s -> s.made(step));
    }

    /// Says that the run goes on after steps of an earlier process.
    void resumed() {
        start.ifPresent(StartingPoint::resumed);
    }
}
