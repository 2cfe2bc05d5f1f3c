package org.attune.optim;

import org.attune.tensor.Tensor;

/// Weight decay as part of the gradient, an L2 penalty: `c g + λ θ`.
final class Penalty {
    private Penalty() {}

    /// A new tensor with the scaled gradient and the penalty's.
    static Tensor add(Piece piece, Tensor values, Tensor gradient, Step step) {
        Tensor scaled = gradient.mul(step.gradientScale());
        return piece.weightDecay() > 0
                ? scaled.addInPlace(values.mul(piece.weightDecay()))
                : scaled;
    }
}
