package org.attune.optim;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.policy.ParameterSpace;
import org.attune.tensor.LaterNumbers;

import java.util.List;
import java.util.Optional;

/// Changes a policy's parameters along their gradients. Only the engine thread may use it. It owns
/// its state; the parameters are borrowed.
///
/// An update is one [#step], or, where a backward pass has groups of parameters updated on the way
/// ([ParameterSpace#sharesGradients]), a [#begin] and an [#update] of each group, in any order.
/// Both give the same bits.
@Api(EXPERIMENTAL)
public interface Optimizer extends AutoCloseable {
    /// Euclidean norm of all gradients together; not finite if one of them isn't.
    default double gradientNorm() {
        return gradientNorm(NormType.L2);
    }

    /// Norm of all gradients together; not finite if one of them isn't.
    double gradientNorm(NormType type);

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

    /// One update along gradients that are clipped where they are, so that nobody waits for their
    /// norm. Nothing changes if the norm isn't finite, which the caller finds out later.
    ///
    /// @param largest Euclidean norm that is left as it is; 0: any
    /// @return the norm, good until the next such update; empty if the optimizer can't, and has
    ///     done nothing
    default Optional<LaterNumbers> stepClipped(double learningRate, double largest) {
        return Optional.empty();
    }

    /// Begins an update that is then made group by group.
    ///
    /// @param learningRate ≥ 0
    void begin(double learningRate);

    /// A group's part of the update that has [begun][#begin]; its gradients stay as they are.
    ///
    /// @param group number in [ParameterSpace#groups]
    void update(int group);

    /// Sets all gradients to 0.
    void zeroGradients();

    /// Sets the gradients of a group to 0.
    ///
    /// @param group number in [ParameterSpace#groups]
    void zeroGradients(int group);

    /// Shows the weights that the run results in, where they aren't those that gradients are taken
    /// at (schedule-free optimizers), until [#showTrained]. No update may come between.
    void showResult();

    /// Shows the weights that gradients are taken at again, bit for bit.
    void showTrained();

    /// The parameters and the optimizer's state, to be written to a checkpoint. Valid until the
    /// next step.
    List<SafeTensorsWriter.Source> state();

    /// What a rank does that doesn't write, while another one writes [#state]: gives it what it
    /// alone has.
    default void giveState() {}

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
