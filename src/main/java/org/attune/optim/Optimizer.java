package org.attune.optim;

import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.policy.ParameterSpace;

import java.util.List;

/// Changes a policy's parameters along their gradients. Only the engine thread may use it. It owns
/// its state; the parameters are borrowed.
///
/// An update is one [#step], or, where a backward pass has groups of parameters updated on the way
/// ([ParameterSpace#sharesGradients]), a [#begin] and an [#update] of each group, in any order.
/// Both give the same bits.
public interface Optimizer extends AutoCloseable {
    /// Euclidean norm of all gradients together; not finite if one of them isn't.
    double gradientNorm();

    /// Sum of the squares of a group's gradients; not finite if one of them isn't.
    /// [#gradientNorm] is the root of their sum, added in the order of the groups.
    ///
    /// @param group number in [ParameterSpace#groups]
    double gradientSquares(int group);

    /// One update; the gradients stay as they are.
    ///
    /// @param learningRate ≥ 0
    /// @param gradientScale factor on the gradients, see [GradientClipping]
    void step(double learningRate, double gradientScale);

    /// Counts an update that is then made group by group.
    void begin();

    /// A group's part of the update that has [begun][#begin]; its gradients stay as they are.
    ///
    /// @param group number in [ParameterSpace#groups]
    /// @param learningRate ≥ 0
    void update(int group, double learningRate);

    /// Sets all gradients to 0.
    void zeroGradients();

    /// Sets the gradients of a group to 0.
    ///
    /// @param group number in [ParameterSpace#groups]
    void zeroGradients(int group);

    /// The parameters and the optimizer's state, to be written to a checkpoint. Valid until the
    /// next step.
    List<SafeTensorsWriter.Source> state();

    /// Sets parameters and state to what [#state] gave.
    ///
    /// @throws org.attune.error.CheckpointException if the file is of other parameters or of
    ///     another optimizer
    void restore(TensorFile file);

    /// Keeps parameters and state as they are now, in the place of what was kept before. Takes as
    /// much memory as they do, from the first call on.
    void keep();

    /// Sets parameters and state to what was kept.
    ///
    /// @throws IllegalStateException if nothing was
    void goBack();

    @Override
    void close();
}
