package org.attune.trainers.step;

import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.layout.RowForest;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.RunParts;

import java.util.List;
import java.util.Map;

/// Where the rows of a run's steps come from: they are there from the start, or are made in rounds.
/// One instance belongs to one run and is called from the engine thread only.
///
/// @param <R> kind of row
/// @param <F> how rows are laid out
public interface RowSupply<R, F extends RowForest> {
    /// How long rows may be.
    RowTokens lengths();

    /// Prepares the run: logs advice, asks a frozen model about all rows. Called once, before
    /// everything below.
    ///
    /// @throws org.attune.error.StoppedException if the run is stopped on the way
    void open(RunParts parts, StepEngine engine);

    /// Optimizer steps of the configured epochs, which `max_steps` overrides.
    int steps();

    /// Optimizer steps of one pass over the data, ≥ 1.
    int stepsPerEpoch();

    /// Tells the training rows from others.
    String fingerprint();

    /// What else a run can only resume with, by name.
    default Map<String, String> identity() {
        return Map.of();
    }

    /// Returns the rows of a step.
    ///
    /// @param step from 0
    /// @throws org.attune.error.StoppedException if the run is stopped on the way; the supply is
    ///     then as if the step had never begun
    StepRows<R, F> step(int step);

    /// Hears that a step's gradients are complete.
    ///
    /// @param step from 0
    default void learned(int step) {}

    /// Scores the evaluation sets; empty if there are none.
    ///
    /// @throws org.attune.error.StoppedException if the run is stopped on the way
    List<HeldOutMeans> evaluate();

    /// The metric by which held-out quality before and after training is compared.
    String heldoutMetric();

    /// What checkpoints must hold, in the order in which it is restored.
    default List<CheckpointPart> checkpointParts() {
        return List.of();
    }

    /// Makes rows for the processes that train, until they have ended; called instead of all steps
    /// in a process that only writes completions.
    default void serve() {
        throw new IllegalStateException("no process makes these rows for others");
    }

    /// Hears that the run has ended.
    default void end() {}
}
