package org.attune.model.layer;

import org.attune.tensor.StateKernels;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Optional;

/// A mixer whose memory of all tokens before is a state of fixed size. `N` rows, `D` model width,
/// `P` columns of what the input is projected to, `O` of what is projected back.
public sealed interface StateMixer extends Mixer
        permits ShortConvolution, GatedDelta, ChannelDelta, Mamba2 {
    /// All projections of the input.
    FusedLinear in();

    /// The projection back.
    FusedLinear out();

    /// What it puts out, in ordinary operators.
    ///
    /// @param x normed input of the block, `(N, D)`
    /// @param rows which rows follow which
    /// @return `(N, D)`
    default Tensor apply(Tensor x, Expression expression, Succession rows) {
        return expression.of(out(), between(expression.of(in(), x), expression, rows));
    }

    /// Whether [#apply] is the projections and what stands [#between] them, and nothing besides.
    default boolean isBetween() {
        return true;
    }

    /// What stands between the projections, in ordinary operators.
    ///
    /// @param y what the input is projected to, `(N, P)`
    /// @param rows which rows follow which
    /// @return what is projected back, `(N, O)`
    Tensor between(Tensor y, Expression expression, Succession rows);

    /// What stands between the projections, by hand; empty where it isn't written, or something in
    /// it is trained.
    ///
    /// @param like what the input is projected to
    default Optional<ByHand> byHand(Tensor like, Adapter adapter) {
        return Optional.empty();
    }

    /// What a kernel of one token of all blocks takes of what stands between the projections; empty
    /// where it doesn't know that.
    default Optional<StateKernels.DeltaLayer> tokenKernel(Adapter adapter) {
        return Optional.empty();
    }

    /// Bytes of a row that [ByHand] keeps, at most.
    default long keptBytes() {
        return 0;
    }

    /// Bytes of what [#apply] makes of a row with autograd, at most.
    ///
    /// @param number bytes of one in the compute dtype
    long expressionBytes(long number);

    /// What stands between the projections, forward and backward by hand.
    interface ByHand {
        /// @param y what the input is projected to, `(N, P)`
        /// @param out its first columns are written, `(N, O + …)`
        /// @return kept for [#backward]
        List<Tensor> forward(Tensor y, Tensor out, Succession rows);

        /// @param dOut gradient of what [#forward] wrote, `(N, O)`
        /// @return gradient of `y`, `(N, P)`
        Tensor backward(Tensor dOut, Tensor y, List<Tensor> kept, Succession rows);
    }
}
