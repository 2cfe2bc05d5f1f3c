package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// (IA)³ before a feed-forward layer: `y = W (l ⊙ x) + b`, [Liu et al. 2022,
/// §3.3](https://arxiv.org/abs/2205.05638).
///
/// @param factor `l`, float32 `(in)`
/// @param gradient float32 `(in)` that backward passes add to, or null if frozen
public record InputScale(int part, Tensor factor, Tensor gradient) implements Scale {
    /// @param columns whose first ones are the input, `(N, in + …)`
    /// @return the same with the input multiplied
    Tensor of(Tensor columns) {
        Tensor scaled = columns.copy();
        applyInPlace(scaled.narrow(1, 0, factor.size(0)));
        return scaled;
    }

    /// Back through the multiplication.
    ///
    /// @param d gradient of `l ⊙ x`, `(N, in)`; changed
    /// @param x `(N, in)`
    /// @return gradient of `x`
    Tensor backward(Tensor d, Tensor x) {
        if (gradient != null) {
            Scale.learn(gradient, null, d, x);
        }
        return applyInPlace(d);
    }
}
