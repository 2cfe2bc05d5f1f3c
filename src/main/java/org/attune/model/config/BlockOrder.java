package org.attune.model.config;

/// How a block's attention `A` and feed-forward part `F`, its norms and the residual stream `x` go
/// together.
public enum BlockOrder {
    /// `x' = x + A(norm(x))`, `y = x' + F(norm(x'))`: Llama, GPT-2.
    SEQUENTIAL(true, false),
    /// `y = x + A(norm(x)) + F(norm(x))`.
    PARALLEL(true, false),
    /// `x' = x + norm(A(norm(x)))`, `y = x' + norm(F(norm(x')))`: Gemma 2.
    SANDWICH(true, true),
    /// `x' = x + norm(A(x))`, `y = x' + norm(F(x'))`.
    POST_NORM(false, true);

    private final boolean before;
    private final boolean after;

    BlockOrder(boolean before, boolean after) {
        this.before = before;
        this.after = after;
    }

    /// Whether what both parts read is normed.
    public boolean normsBefore() {
        return before;
    }

    /// Whether what both parts put out is normed.
    public boolean normsAfter() {
        return after;
    }

    /// Whether both parts read the block's input.
    public boolean isParallel() {
        return this == PARALLEL;
    }
}
