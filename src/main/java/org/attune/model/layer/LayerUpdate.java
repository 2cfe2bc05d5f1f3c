package org.attune.model.layer;

/// What an adapter does to one linear layer, with the numbers that passes compute with. A layer may
/// have several: DoRA is a [LowRank] and a [Magnitude]. [UpdatesByKind] is where a new kind begins:
/// passes compute what it sorts.
public sealed interface LayerUpdate permits LowRank, Delta, Scale, Bias {
    /// Number of the layer inside its [FusedLinear]; 0 for the output layer.
    int part();
}
