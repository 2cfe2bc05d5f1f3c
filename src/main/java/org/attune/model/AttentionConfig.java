package org.attune.model;

import java.util.List;

/// Attention of a decoder.
///
/// @param heads      query heads
/// @param kvHeads    key and value heads; divides `heads`
/// @param headDim    features of a head, even; may differ from hidden size / heads
/// @param qkvBias    whether q, k and v projections have biases
/// @param outputBias whether the output projection has one
/// @param qkNorm     whether queries and keys are RMS-normed per head before rotation (Qwen3)
/// @param windows    per layer: tokens that a token sees, itself included; 0 is all
public record AttentionConfig(
        int heads,
        int kvHeads,
        int headDim,
        boolean qkvBias,
        boolean outputBias,
        boolean qkNorm,
        List<Integer> windows) {
    public AttentionConfig {
        windows = List.copyOf(windows);
    }
}
