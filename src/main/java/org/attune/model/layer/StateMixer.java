package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// A mixer whose memory of all tokens before is a state of fixed size. `N` rows, `D` model width.
public sealed interface StateMixer extends Mixer permits ShortConvolution, GatedDelta, Mamba2 {
    /// What it puts out, in ordinary operators.
    ///
    /// @param x normed input of the block, `(N, D)`
    /// @param rows which rows follow which
    /// @return `(N, D)`
    Tensor apply(Tensor x, Expression expression, Succession rows);

    /// Bytes of what [#apply] makes of a row with autograd, at most.
    ///
    /// @param number bytes of one in the compute dtype
    long expressionBytes(long number);
}
