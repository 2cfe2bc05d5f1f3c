package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.function.Consumer;

/// What an adapter does to one linear layer, with the numbers that passes compute with. A layer may
/// have several: DoRA is a [LowRank] and a [Magnitude]. [UpdatesByKind] is where a new kind begins:
/// passes compute what it sorts.
public sealed interface LayerUpdate permits LowRank, Delta, Scale, LayerUpdate.Bias {
    /// Number of the layer inside its [FusedLinear]; 0 for the output layer.
    int part();

    /// A bias `b'` that an adapter gives one linear layer: `y = W x + b'`, or `W x + b + b'`.
    ///
    /// @param replaces whether it stands in place of the layer's own `b`
    /// @param value `b'` in the compute dtype, `(out)`
    /// @param learner gets the gradient of `b'` in each backward pass, float32 `(out)`; null if
    ///     nothing learns
    record Bias(int part, boolean replaces, Tensor value, Consumer<Tensor> learner)
            implements LayerUpdate {}
}
