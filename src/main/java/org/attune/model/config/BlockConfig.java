package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.Optional;

/// What a decoder's blocks compute, and in which order.
///
/// @param order       of parts and norms
/// @param norm        kind of every norm
/// @param attention   of every block
/// @param feedForward of every block
/// @param residual    stream, and how the parts are added to it
/// @param mixers      parts of each block, and what mixes tokens beside attention
/// @param end         what a block does to its output
public record BlockConfig(
        BlockOrder order,
        NormConfig norm,
        AttentionConfig attention,
        FeedForwardConfig feedForward,
        Residual residual,
        MixersConfig mixers,
        End end) {
    /// The residual stream, and how a block's parts are added to it.
    ///
    /// @param scale  factor of what both parts put out, before it is added
    /// @param rank   of a learned residual beside what mixes tokens, LAuReL
    ///     ([Menghani et al. 2024](https://arxiv.org/abs/2411.07501)); 0: there is none
    /// @param copies of the stream, if there are several
    public record Residual(double scale, int rank, Optional<Copies> copies) {
        /// A stream to which the parts are added as they are.
        public static final Residual PLAIN = new Residual(1);

        /// First factor of the learned residual's matrix, in the block.
        public static final String LEFT = "laurel.linear_left";

        /// Second factor of it, in the block.
        public static final String RIGHT = "laurel.linear_right";

        /// Norm of what the learned residual gives, in the block.
        public static final String NORM = "laurel.post_laurel_norm";

        /// @throws ModelException if the factor isn't positive
        public Residual {
            if (!(scale > 0 && Double.isFinite(scale))) {
                throw new ModelException(
                        "residual_multiplier is " + scale + "; accepted: finite numbers above 0");
            }
        }

        /// One stream without a learned residual.
        public Residual(double scale) {
            this(scale, 0, Optional.empty());
        }

        /// Numbers of a token between blocks.
        ///
        /// @param width of one stream
        public int width(int width) {
            return width * copies.map(Copies::count).orElse(1);
        }

        /// Numbers in the matrices of a block.
        long numbers(long width) {
            return 2 * width * rank + copies.map(c -> c.numbers(width)).orElse(0L);
        }
    }

    /// Several copies of the residual stream, of which a block computes one and changes the others
    /// by it, AltUp ([Baykal et al. 2023, Alg. 1](https://arxiv.org/abs/2301.13310)).
    ///
    /// @param count  of the copies
    /// @param active the one that blocks compute
    /// @param scaled whether a layer's vector is opened by the computed copy times a weight
    public record Copies(int count, int active, boolean scaled) {
        /// Projection to how much of the copies a token takes, in the block.
        public static final String ROUTER = "altup.modality_router";

        /// Norm of what the router reads, in the block.
        public static final String NORM = "altup.router_norm";

        /// Projection to how the copies are mixed before the parts, in the block.
        public static final String PREDICTION = "altup.prediction_coefs";

        /// Projection to how much each copy learns of the parts, in the block.
        public static final String CORRECTION = "altup.correction_coefs";

        /// Weight of the computed copy, in the block.
        public static final String SCALE = "altup.correct_output_scale";

        /// Projections from embeddings to further copies, in the trunk.
        public static final String OPENING = "altup_projections";

        /// Projections of further copies back, in the trunk.
        public static final String CLOSING = "altup_unembed_projections";

        /// @throws ModelException if the active copy is none of them
        public Copies {
            if (active < 0 || active >= count) {
                throw new ModelException(
                        "altup_active_idx is %d; accepted: 0 to %d, below altup_num_inputs"
                                .formatted(active, count - 1));
            }
        }

        private long numbers(long width) {
            return count * width + (long) count * count * (count + 1);
        }
    }

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

    /// Factor of what both parts put out, before it is added.
    public double residualScale() {
        return residual.scale();
    }

    /// A block that gives its output as it is.
    public BlockConfig(
            BlockOrder order,
            NormConfig norm,
            AttentionConfig attention,
            FeedForwardConfig feedForward,
            double residualScale,
            MixersConfig mixers) {
        this(order, norm, attention, feedForward, new Residual(residualScale), mixers, End.NONE);
    }

    /// The block with other attention.
    BlockConfig with(AttentionConfig other) {
        return new BlockConfig(order, norm, other, feedForward, residual, mixers, end);
    }

    /// The block with other parts in each layer, and attention alike in as many.
    BlockConfig ofLayers(int layers, MixersConfig others) {
        return new BlockConfig(
                order, norm, attention.ofLayers(layers), feedForward, residual, others, end);
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
