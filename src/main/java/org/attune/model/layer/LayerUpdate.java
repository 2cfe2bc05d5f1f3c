package org.attune.model.layer;

/// What an adapter does to one linear layer, with the numbers that passes compute with. A layer may
/// have several: DoRA is a [LowRank] and a [Magnitude].
public sealed interface LayerUpdate permits LowRank, Scale {
    /// Number of the layer inside its [FusedLinear]; 0 for the output layer.
    int part();
}
