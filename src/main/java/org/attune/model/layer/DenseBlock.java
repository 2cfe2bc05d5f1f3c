package org.attune.model.layer;

import org.attune.model.config.BlockOrder;
import org.attune.model.config.DecoderConfig;

import java.util.List;

/// A block whose parts hand-written passes know ([DecoderConfig#unwritten]): they take no other.
///
/// @param order of parts and norms
/// @param attentionNorms around attention
/// @param attention with heads of one length
/// @param feedForwardNorms around the feed-forward part
/// @param feedForward of all tokens
public record DenseBlock(
        BlockOrder order,
        Block.Norms attentionNorms,
        SelfAttention attention,
        Block.Norms feedForwardNorms,
        FeedForward.Dense feedForward) {
    /// @param block of a decoder that hand-written passes can compute
    static DenseBlock of(Block block) {
        return new DenseBlock(
                block.order(),
                block.mixerNorms(),
                block.onlyAttention().orElseThrow(),
                block.feedForwardNorms(),
                (FeedForward.Dense) block.feedForward().orElseThrow());
    }

    /// Query, key and value projections.
    public FusedLinear qkv() {
        return attention.qkv();
    }

    /// Output projection of attention.
    public FusedLinear output() {
        return attention.output();
    }

    /// Projection into the feed-forward part.
    public FusedLinear up() {
        return feedForward.up();
    }

    /// Projection out of the feed-forward part.
    public FusedLinear down() {
        return feedForward.down();
    }

    /// The linear layers, in the order in which they are computed.
    public List<FusedLinear> linears() {
        return List.of(qkv(), output(), up(), down());
    }
}
