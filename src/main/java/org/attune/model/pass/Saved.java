package org.attune.model.pass;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// What the hand-written backward pass of one block needs of its forward pass. `N` rows, `D` width,
/// `F` inner width, `C` key/value heads, `G` query heads per key/value head, `K` head size, `R`
/// extra columns of adapters. The feed-forward product and the attention probabilities are
/// computed again instead of being kept.
///
/// @param x input, `(N, D)`
/// @param r1 statistics of the first norm, `(N, 1)`
/// @param h1 normed input and adapter columns, `(N, D + R)`
/// @param attended what attention needs
/// @param ox attention output and adapter columns, `(N, CGK + R)`
/// @param x2 after attention, `(N, D)`
/// @param r2 statistics of the second norm, `(N, 1)`
/// @param h2 normed `x2` and adapter columns, `(N, D + R)`
/// @param gateUp gate and up projections, `(N, 2F)`
/// @param downColumns adapter columns of the down projection, `(N, R)`, or null
record Saved(
        Tensor x,
        Tensor r1,
        Tensor h1,
        Attended attended,
        Tensor ox,
        Tensor x2,
        Tensor r2,
        Tensor h2,
        Tensor gateUp,
        Tensor downColumns) {
    Saved withDownColumns(Tensor columns) {
        return new Saved(x, r1, h1, attended, ox, x2, r2, h2, gateUp, columns);
    }

    /// Gives everything but `x`, which the caller owns, to `scope`.
    void moveTo(TensorScope scope) {
        Tensor[] all = {r1, h1, ox, x2, r2, h2, gateUp};
        for (Tensor t : all) {
            scope.adopt(t);
        }
        attended.moveTo(scope);
        if (downColumns != null) {
            scope.adopt(downColumns);
        }
    }

    /// Frees what only the block's second half needs.
    void freeFeedForward() {
        x2.close();
        r2.close();
        h2.close();
        gateUp.close();
        if (downColumns != null) {
            downColumns.close();
        }
    }

    /// Frees what only its first half needs; not `x`.
    void freeAttention() {
        r1.close();
        h1.close();
        ox.close();
        attended.close();
    }
}
