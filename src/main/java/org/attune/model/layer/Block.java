package org.attune.model.layer;

import java.util.List;

/// One transformer block of the Llama shape: its weights, not how it is computed.
///
/// @param inputNorm before attention
/// @param qkv query, key and value projections
/// @param queryNorm per-head norm of queries, or null
/// @param keyNorm per-head norm of keys, or null
/// @param output output projection of attention
/// @param postNorm before the feed-forward part
/// @param gateUp gate and up projections
/// @param down down projection
/// @param window tokens that a token sees, itself included; 0 is all
public record Block(
        RmsNorm inputNorm,
        FusedLinear qkv,
        RmsNorm queryNorm,
        RmsNorm keyNorm,
        FusedLinear output,
        RmsNorm postNorm,
        FusedLinear gateUp,
        FusedLinear down,
        int window) {
    /// The linear layers, in the order in which they are computed.
    public List<FusedLinear> linears() {
        return List.of(qkv, output, gateUp, down);
    }

    /// The norms, in the order in which they are computed.
    public List<RmsNorm> norms() {
        return queryNorm == null
                ? List.of(inputNorm, postNorm)
                : List.of(inputNorm, queryNorm, keyNorm, postNorm);
    }
}
