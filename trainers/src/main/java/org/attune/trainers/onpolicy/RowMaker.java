package org.attune.trainers.onpolicy;

import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.step.StepRows;

import java.util.List;

/// What a method makes of rounds of judged completions. [RoundRows] does the rest.
///
/// @param <R> kind of row
public interface RowMaker<R> {
    /// How long rows may be.
    RowTokens lengths();

    /// Says at the start how completions of other weights are corrected.
    void begin();

    /// Returns the rows of a step, of rounds that are completed where they are needed.
    ///
    /// @param step from 0
    /// @throws org.attune.error.StoppedException if the run is stopped on the way; the maker is
    ///     then as if the step had never begun
    StepRows<R, CompletionForest> step(int step);

    /// Hears that a step's gradients are complete.
    ///
    /// @param step from 0
    void learned(int step);

    /// What checkpoints must hold of rounds, in the order in which it is restored.
    List<CheckpointPart> checkpointParts();
}
