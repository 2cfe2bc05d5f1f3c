package org.attune.model.layer;

import org.attune.model.config.BlockOrder;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// One transformer block: what it computes, not how.
///
/// @param order of parts and norms
/// @param attentionNorms around attention
/// @param attention mixes tokens
/// @param feedForwardNorms around the feed-forward part
/// @param feedForward changes each token
public record Block(
        BlockOrder order,
        Norms attentionNorms,
        SelfAttention attention,
        Norms feedForwardNorms,
        FeedForward feedForward) {
    /// Norms around a part of a block.
    ///
    /// @param before of what the part reads
    /// @param after of what it puts out
    public record Norms(Optional<Norm> before, Optional<Norm> after) {}

    /// The linear layers, in the order in which they are computed.
    public List<FusedLinear> linears() {
        List<FusedLinear> all = new ArrayList<>(attention.linears());
        all.addAll(feedForward.linears());
        return all;
    }

    /// The norms, in the order in which they are computed.
    public List<Norm> norms() {
        List<Norm> all = new ArrayList<>();
        attentionNorms.before().ifPresent(all::add);
        all.addAll(attention.norms());
        attentionNorms.after().ifPresent(all::add);
        feedForwardNorms.before().ifPresent(all::add);
        feedForwardNorms.after().ifPresent(all::add);
        return all;
    }
}
