package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// (IA)³ behind a layer: `y = l ⊙ (W x + b)`, [Liu et al. 2022,
/// §3.3](https://arxiv.org/abs/2205.05638).
///
/// @param factor `l`, float32 `(out)`
/// @param gradient float32 `(out)` that backward passes add to, or null if frozen
public record OutputScale(int part, Tensor factor, Tensor gradient) implements Scale {
    /// Back through the multiplication.
    ///
    /// @param d gradient of the output, `(N, out)`; becomes that of `z`
    /// @param z `W x + b`
    void backward(Tensor d, Tensor z) {
        if (gradient != null) {
            Scale.learn(gradient, null, d, z);
        }
        applyInPlace(d);
    }
}
