package org.attune.model.layer;

import java.util.List;

/// Part of a block that mixes tokens.
public sealed interface Mixer permits SelfAttention, LatentAttention, VariedAttention, StateMixer {
    /// The linear layers, in the order in which they are computed.
    List<FusedLinear> linears();

    /// The norms inside of it.
    List<Norm> norms();

    /// All other weights.
    List<Weight> others();
}
