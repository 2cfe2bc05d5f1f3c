package org.attune.trainers.rows;

import org.attune.trainers.layout.RowForest;
import org.attune.trainers.loop.StartingPoint;

import java.util.List;
import java.util.Optional;

/// The references of a run: of its training rows, and of each evaluation set. As long as the policy
/// is its reference ([StartingPoint]), it speaks for all.
///
/// @param start empty without a reference
/// @param training of the training rows
/// @param heldOut of each evaluation set
record References<R, F extends RowForest>(
        Optional<StartingPoint> start, Both<R, F> training, List<Both<R, F>> heldOut) {
    References {
        heldOut = List.copyOf(heldOut);
    }

    /// A list of rows, and what stands [beside][RowObjective#beside] them.
    ///
    /// @param rows asked about the rows
    /// @param beside asked about the rows beside; unused where there are none
    record Both<R, F extends RowForest>(Reference<R, F> rows, Reference<R, F> beside) {
        static <R, F extends RowForest> Both<R, F> of(Reference<R, F> one) {
            return new Both<>(one, one);
        }
    }

    /// The references for a training step.
    ///
    /// @param step from 0
    Both<R, F> atStep(int step) {
        boolean same = start.isPresent() && start.get().isTrainedAt(step);
        return same ? Both.of(new Reference.Policy<>()) : training;
    }

    /// The references for an evaluation set.
    ///
    /// @param set its number, from 0
    Both<R, F> heldOut(int set) {
        boolean same = start.isPresent() && start.get().isMeasured();
        return same ? Both.of(new Reference.Policy<>()) : heldOut.get(set);
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
