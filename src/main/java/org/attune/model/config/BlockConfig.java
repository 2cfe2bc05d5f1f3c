package org.attune.model.config;

/// What a decoder's blocks compute, and in which order.
///
/// @param order       of parts and norms
/// @param norm        kind of every norm
/// @param attention   of every block
/// @param feedForward of every block
public record BlockConfig(
        BlockOrder order,
        NormConfig norm,
        AttentionConfig attention,
        FeedForwardConfig feedForward) {}
