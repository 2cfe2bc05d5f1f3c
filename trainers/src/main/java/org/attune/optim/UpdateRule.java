package org.attune.optim;

import org.attune.tensor.Tensor;

/// An optimizer's formula over its state.
public interface UpdateRule {
    /// Updates the numbers of a piece and their state.
    ///
    /// @param piece which numbers
    /// @param values float32 `(n)`, changed
    /// @param gradient float32 `(n)`, as the backward pass left it; unchanged
    void update(Piece piece, Tensor values, Tensor gradient, Step step);

    /// Turns values that gradients are taken at into those of the result, see
    /// [OptimizerKind#averages].
    ///
    /// @param values float32 `(n)`, changed
    default void showResult(Piece piece, Tensor values) {}
}
