package org.attune.trainers.loop;

import org.attune.checkpoint.Checkpoint;
import org.attune.trainers.loop.TrainingLoop.Work;

import java.io.IOException;
import java.nio.file.Path;

/// Changes weights in a step: once at its end, or several times within.
public interface WeightUpdates {
    /// Does a step's work and changes the weights by it.
    ///
    /// @param step from 0
    /// @param learningRate of this step, ≥ 0
    /// @throws org.attune.error.StoppedException if it was stopped before the weights changed
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    StepReport run(int step, double learningRate, Work work);

    /// Norm of the last step's gradients, before clipping.
    double gradientNorm();

    /// Shows the weights that the run results in, see [org.attune.optim.Optimizer#showResult].
    void showResult();

    /// Shows the weights that are trained again.
    void showTrained();

    /// Writes the optimizers' state.
    void save(Path folder) throws IOException;

    /// What a rank does that doesn't write, while another one [writes][#save].
    void give();

    /// Restores what [#save] wrote.
    ///
    /// @throws org.attune.error.CheckpointException if it is of other parameters
    void restore(Checkpoint checkpoint);
}
