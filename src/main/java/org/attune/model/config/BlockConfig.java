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
/// @param end         what a block does to its output
public record BlockConfig(
        BlockOrder order,
        NormConfig norm,
        AttentionConfig attention,
        FeedForwardConfig feedForward,
        double residualScale,
        MixersConfig mixers,
        End end) {
    /// What a block does to its output `x`, if anything:
    /// ```
    /// x ← c (x + norm(out(f(gate(x)) · v)))
    /// ```
    /// `v` is the layer's own vector of the token. The first block makes those of all layers, of a
    /// second embedding and of a projection of the usual one.
    ///
    /// @param width  numbers of the vector `v`; 0: there is none
    /// @param rows   tokens that have an embedding of it
    /// @param scaled whether there is a number `c`, which nothing trains
    public record End(int width, int rows, boolean scaled) {
        /// Nothing.
        public static final End NONE = new End(0, 0, false);

        /// Projection of the block's output to what opens the vector, in the block.
        public static final String GATE = "per_layer_input_gate";

        /// Projection of the opened vector, in the block.
        public static final String OUT = "per_layer_projection";

        /// Norm of what that gives, in the block.
        public static final String NORM = "post_per_layer_input_norm";

        /// The number `c`, in the block.
        public static final String SCALAR = "layer_scalar";

        /// Embedding of the vectors of all layers, in the trunk.
        public static final String EMBEDDING = "embed_tokens_per_layer";

        /// Projection of embeddings to the vectors of all layers, in the trunk.
        public static final String PROJECTION = "per_layer_model_projection";

        /// Norm of what that gives for a layer, in the trunk.
        public static final String PROJECTION_NORM = "per_layer_projection_norm";

        /// Whether layers have vectors of tokens.
        public boolean reads() {
            return width > 0;
        }
    }

    /// @throws ModelException if the factor isn't positive
    public BlockConfig {
        if (!(residualScale > 0 && Double.isFinite(residualScale))) {
            throw new ModelException(
                    "residual_multiplier is "
                            + residualScale
                            + "; accepted: finite numbers above 0");
        }
    }

    /// A block that gives its output as it is.
    public BlockConfig(
            BlockOrder order,
            NormConfig norm,
            AttentionConfig attention,
            FeedForwardConfig feedForward,
            double residualScale,
            MixersConfig mixers) {
        this(order, norm, attention, feedForward, residualScale, mixers, End.NONE);
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
