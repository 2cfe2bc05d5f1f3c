package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// How a part of a block is computed: which adapter its weights have, and whether autograd records.
public interface Expression extends FeedForward.Products {
    /// The numbers of a weight.
    Tensor value(Weight weight);

    /// Computes some of the rows only.
    ///
    /// @param rows their numbers, rising
    default Expression some(int[] rows) {
        return this;
    }

    /// Notes the logits of a router.
    ///
    /// @param logits float32 `(N, E)`
    /// @param chosen experts that a row takes
    default void routed(Tensor logits, int chosen) {}
}
