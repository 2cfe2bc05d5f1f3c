package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// Factors of features, one each.
public sealed interface Scale extends LayerUpdate permits InputScale, OutputScale, Magnitude {
    /// What features are multiplied by, float32 `(F)`.
    Tensor factor();

    /// Multiplies features in place.
    ///
    /// @param features `(N, F)`
    default Tensor applyInPlace(Tensor features) {
        return features.mulInPlace(factor());
    }

    /// Adds to a gradient of factors: `Σ_n d_nf z_nf`.
    ///
    /// @param gradient float32 `(F)`
    /// @param weights of the sums, float32 `(F)`, or null: ones
    /// @param d gradient of what was multiplied, `(N, F)`
    /// @param z before it was
    static void learn(Tensor gradient, Tensor weights, Tensor d, Tensor z) {
        try (var _ = TensorScope.open("scale")) {
            Tensor sums = d.to(DType.FLOAT32).mul(z).sum(0, false); // (F)
            gradient.addInPlace(weights == null ? sums : sums.mulInPlace(weights));
        }
    }
}
