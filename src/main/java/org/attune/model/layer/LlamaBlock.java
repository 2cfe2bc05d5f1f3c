package org.attune.model.layer;

import org.attune.model.config.DecoderConfig;

import java.util.List;

/// A block that computes what Llama's do: what kernels for whole blocks know
/// ([DecoderConfig#unlikeLlama]). They take no other.
///
/// @param inputNorm before attention
/// @param attention rotates, without a cap on scores
/// @param postNorm before the feed-forward part
/// @param gateUp gate and up projections, the gate activated by SiLU
/// @param down down projection
public record LlamaBlock(
        RmsNorm inputNorm,
        SelfAttention attention,
        RmsNorm postNorm,
        FusedLinear gateUp,
        FusedLinear down) {
    /// Query, key and value projections.
    public FusedLinear qkv() {
        return attention.qkv();
    }

    /// Output projection of attention.
    public FusedLinear output() {
        return attention.output();
    }

    /// Queries' and keys' norms are inside of attention.
    ///
    /// @param block of a decoder that is computed as Llama is
    static LlamaBlock of(Block block) {
        var feedForward = (FeedForward.Gated) block.feedForward().orElseThrow();
        return new LlamaBlock(
                (RmsNorm) block.mixerNorms().before().orElseThrow(),
                block.onlyAttention().orElseThrow(),
                (RmsNorm) block.feedForwardNorms().before().orElseThrow(),
                feedForward.up(),
                feedForward.down());
    }

    /// The linear layers, in the order in which they are computed.
    public List<FusedLinear> linears() {
        return List.of(qkv(), output(), gateUp, down);
    }
}
