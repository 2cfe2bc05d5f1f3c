package org.attune.model.pass;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Stream;

/// What the hand-written backward pass of one block needs of its forward pass. `N` rows, `D` width,
/// `F` inner width, `C` key/value heads, `G` query heads per key/value head, `K` head size, `R`
/// extra columns of adapters. The feed-forward product and the attention probabilities are
/// computed again instead of being kept.
///
/// @param x input, `(N, D)`
/// @param r1 statistics of the first norm, `(N, S)`, or null without one
/// @param h1 normed input and adapter columns, `(N, D + R)`
/// @param attended what attention needs
/// @param ox attention output and adapter columns, `(N, CGK + R)`
/// @param attentionOut output of attention's part before its norm, or null without one
/// @param x2 after attention, `(N, D)`
/// @param r2 statistics of the second norm, `(N, S)`, or null without one
/// @param h2 normed `x2` and adapter columns, `(N, D + R)`
/// @param gateUp gate and up projections, `(N, 2F)`, or `(N, F)` without gates
/// @param downColumns adapter columns of the down projection, `(N, R)`, or null
/// @param feedForwardOut output of the feed-forward part before its norm, or null without one
record Saved(
        Tensor x,
        Tensor r1,
        Tensor h1,
        Attended attended,
        Tensor ox,
        Normed attentionOut,
        Tensor x2,
        Tensor r2,
        Tensor h2,
        Tensor gateUp,
        Tensor downColumns,
        Normed feedForwardOut) {
    /// @param y what is normed, `(N, D)`
    /// @param r statistics of the norm, `(N, S)`
    record Normed(Tensor y, Tensor r) {}

    Saved withFeedForward(Tensor columns, Normed out) {
        return new Saved(x, r1, h1, attended, ox, attentionOut, x2, r2, h2, gateUp, columns, out);
    }

    /// Gives everything but `x`, which the caller owns, to `scope`.
    void moveTo(TensorScope scope) {
        attention().forEach(scope::adopt);
        feedForward().forEach(scope::adopt);
        attended.moveTo(scope);
    }

    /// What only the block's first half needs, but `x` and [#attended].
    private Stream<Tensor> attention() {
        return there(r1, h1, ox, y(attentionOut), r(attentionOut));
    }

    /// What only its second half needs.
    private Stream<Tensor> feedForward() {
        return there(x2, r2, h2, gateUp, downColumns, y(feedForwardOut), r(feedForwardOut));
    }

    private static Tensor y(Normed normed) {
        return normed == null ? null : normed.y();
    }

    private static Tensor r(Normed normed) {
        return normed == null ? null : normed.r();
    }

    private static Stream<Tensor> there(Tensor... tensors) {
        return Arrays.stream(tensors).filter(Objects::nonNull);
    }

    /// Frees what only the block's second half needs.
    void freeFeedForward() {
        feedForward().forEach(Tensor::close);
    }

    /// Frees what only its first half needs; not `x`.
    void freeAttention() {
        attention().forEach(Tensor::close);
        attended.close();
    }
}
