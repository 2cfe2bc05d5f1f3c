package org.attune.trainers.loop;

import org.attune.checkpoint.Checkpoint;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.optim.Optimizer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/// Changes weights in a step: once at its end, or several times within.
public interface WeightUpdates {
    /// A step.
    ///
    /// @param number from 0
    /// @param learningRate ≥ 0
    /// @param origins where its rows come from
    record Step(int number, double learningRate, Supplier<List<String>> origins) {}

    /// Begins a step: gradients are zero afterwards.
    void begin(Step step);

    /// Ends a step whose gradients are complete: the weights have changed afterwards.
    ///
    /// @throws org.attune.error.TrainingDivergedException if gradients aren't finite
    void finish(Step step);

    /// Whether the running step may still be stopped: false from where weights have begun to
    /// change.
    default boolean mayStop() {
        return true;
    }

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

    /// Writes an optimizer's state into a checkpoint's folder.
    static void write(Optimizer optimizer, Path folder) throws IOException {
        SafeTensorsWriter.write(folder.resolve(Checkpoint.OPTIMIZER), optimizer.state());
    }

    /// Restores an optimizer's state.
    ///
    /// @throws org.attune.error.CheckpointException if it is of other parameters
    static void read(Optimizer optimizer, Checkpoint checkpoint) {
        try (var file = checkpoint.optimizer()) {
            optimizer.restore(file);
        }
    }
}
