package org.attune.model.pass;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// What the backward pass of one block needs of its forward pass. `N` rows, `D` width.
///
/// @param x input, `(N, D)`
/// @param mixer of the half that mixes tokens
/// @param x2 behind it, `(N, D)`
/// @param feedForward of the other half
record Saved(Tensor x, BlockHalf.Kept mixer, Tensor x2, BlockHalf.Kept feedForward) {
    /// Gives everything but `x`, which the caller owns, to `scope`.
    void moveTo(TensorScope scope) {
        mixer.moveTo(scope);
        scope.adopt(x2);
        feedForward.moveTo(scope);
    }

    /// Frees what only the block's second half needs.
    void freeFeedForward() {
        x2.close();
        feedForward.close();
    }

    /// Frees what only its first half needs; not `x`.
    void freeMixer() {
        mixer.close();
    }
}
