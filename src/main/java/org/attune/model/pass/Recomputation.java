package org.attune.model.pass;

/// What the backward pass computes again instead of keeping it. Gradients are the same bits.
///
/// @param blocks how many, from the first on; ≥ 0, all if there are fewer
/// @param keepsAttention whether what their attention put out is kept nevertheless. It takes as
///     much memory as a block's input, and most of a block's time where rows are long. (The
///     selective recomputation of [Korthikanti et al. 2022](https://arxiv.org/abs/2205.05198) drops
///     attention, for the scores that it kept; here nothing keeps scores)
public record Recomputation(int blocks, boolean keepsAttention) {
    public static final Recomputation NONE = new Recomputation(0, false);

    /// Every block, attention too.
    public static final Recomputation ALL = ofBlocks(Integer.MAX_VALUE);

    public Recomputation {
        if (blocks < 0) {
            throw new IllegalArgumentException("blocks: " + blocks);
        }
    }

    /// Recomputes the first `blocks` blocks with their attention.
    public static Recomputation ofBlocks(int blocks) {
        return new Recomputation(blocks, false);
    }

    /// Whether this block is computed again.
    boolean concerns(int block) {
        return block < blocks;
    }

    /// Shares of a forward pass.
    ///
    /// @param layers blocks of the model; ≥ 1
    public Shares shares(int layers) {
        double share = Math.min(blocks, layers) / (double) layers;
        return new Shares(share, keepsAttention ? 0 : share);
    }

    /// How much of a forward pass is computed again.
    ///
    /// @param products of the blocks' products and what goes with them, [0, 1]
    /// @param attention of attention, [0, 1]
    public record Shares(double products, double attention) {
        public static final Shares NONE = new Shares(0, 0);
    }
}
