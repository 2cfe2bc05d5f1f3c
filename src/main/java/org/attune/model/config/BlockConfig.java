package org.attune.model.config;

import org.attune.error.ModelException;

/// What a decoder's blocks compute, and in which order.
///
/// @param order       of parts and norms
/// @param norm        kind of every norm
/// @param attention   of every block
/// @param feedForward of every block
/// @param residualScale factor of what both parts put out, before it is added
/// @param mixers      parts of each block, and what mixes tokens beside attention
public record BlockConfig(
        BlockOrder order,
        NormConfig norm,
        AttentionConfig attention,
        FeedForwardConfig feedForward,
        double residualScale,
        MixersConfig mixers) {
    /// @throws ModelException if the factor isn't positive
    public BlockConfig {
        if (!(residualScale > 0 && Double.isFinite(residualScale))) {
            throw new ModelException(
                    "residual_multiplier is "
                            + residualScale
                            + "; accepted: finite numbers above 0");
        }
    }

    /// A block in which attention alone mixes tokens.
    public BlockConfig(
            BlockOrder order,
            NormConfig norm,
            AttentionConfig attention,
            FeedForwardConfig feedForward,
            double residualScale) {
        this(order, norm, attention, feedForward, residualScale, MixersConfig.ATTENTION);
    }

    /// A block whose parts are added as they are.
    public BlockConfig(
            BlockOrder order,
            NormConfig norm,
            AttentionConfig attention,
            FeedForwardConfig feedForward) {
        this(order, norm, attention, feedForward, 1);
    }
}
