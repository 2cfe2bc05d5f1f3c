package org.attune.optim;

import org.attune.files.SafeTensorsWriter;
import org.attune.files.TensorFile;

import java.util.List;

/// Changes a policy's parameters along their gradients. Only the engine thread may use it. It owns
/// its state; the parameters are borrowed.
public interface Optimizer extends AutoCloseable {
    /// Euclidean norm of all gradients together; not finite if one of them isn't.
    double gradientNorm();

    /// One update; the gradients stay as they are.
    ///
    /// @param learningRate ≥ 0
    /// @param gradientScale factor on the gradients, see [GradientClipping]
    void step(double learningRate, double gradientScale);

    /// Sets all gradients to 0.
    void zeroGradients();

    /// The parameters and the optimizer's state, to be written to a checkpoint. Valid until the
    /// next step.
    List<SafeTensorsWriter.Source> state();

    /// Sets parameters and state to what [#state] gave.
    ///
    /// @throws org.attune.error.CheckpointException if the file is of other parameters or of
    ///     another optimizer
    void restore(TensorFile file);

    @Override
    void close();
}
