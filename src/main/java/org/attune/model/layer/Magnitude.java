package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// Trained lengths of the rows of a weight that a [LowRank] update changes (DoRA), [Liu et al.
/// 2024, Eq. 5](https://arxiv.org/abs/2402.09353):
/// ```
/// y = c ⊙ (W x + s B A x) + b,     c = m / ‖W + s B A‖
/// ```
/// As in PEFT the norm is a constant to gradients (§4.3), and dropout concerns both summands:
/// ```
/// y = W x + (c − 1) ⊙ W x' + c ⊙ s B A x' + b,     x' = dropout(x)
/// ```
///
/// @param magnitude `m`, float32 `(out)`
/// @param inverseNorm `1 / ‖W + s B A‖` of each row, float32 `(out)`
/// @param factor `c`, float32 `(out)`
/// @param gradient of `m`, float32 `(out)`, that backward passes add to, or null if frozen
public record Magnitude(
        int part, Tensor magnitude, Tensor inverseNorm, Tensor factor, Tensor gradient)
        implements Scale {
    /// Brings the factors up to date.
    ///
    /// @param weight `W + s B A`, float32 `(out, in)`
    public void refresh(Tensor weight) {
        Tensor norms = norms(weight);
        inverseNorm.fillInPlace(1).copyInPlace(inverseNorm.div(norms));
        factor.copyInPlace(magnitude.div(norms)); // 1 where the magnitude is the norm
    }

    /// Lengths of a matrix's rows, `(out)`.
    public static Tensor norms(Tensor weight) {
        return weight.square().sum(1, false).sqrt();
    }

    /// `c − 1`.
    Tensor change() {
        return factor.add(-1);
    }

    /// Adds to the gradient of `m`.
    ///
    /// @param d gradient of the output, `(N, out)`
    /// @param z what `c` was multiplied with
    void learn(Tensor d, Tensor z) {
        if (gradient != null) {
            Scale.learn(gradient, inverseNorm, d, z);
        }
    }
}
