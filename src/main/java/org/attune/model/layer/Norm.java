package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.List;
import java.util.function.Function;

/// A norm of the last axis, statistics in float32. `N` rows, `D` features, `S` statistics of a row.
public sealed interface Norm permits RmsNorm, LayerNorm, EachHead, BareNorm {
    /// What is multiplied by and added.
    List<Weight> weights();

    /// Writes the norm of `x` to the first columns of `out`.
    ///
    /// @param x `(…, D)`
    /// @return what [#backward] needs, float32 `(…, S)`
    Tensor forward(Tensor x, Tensor out, Adapter adapter);

    /// The gradient of `x`, `(…, D)`; adds to the gradients of parameters.
    ///
    /// @param dy of the output, `(…, D)`
    /// @param statistics what [#forward] gave
    Tensor backward(Tensor dy, Tensor x, Tensor statistics, Adapter adapter);

    /// The gradient of `x` plus that of a residual beside it, `(N, D)`.
    ///
    /// @param dy of the output, `(N, D)`
    /// @param statistics what [#forward] gave
    /// @param residual added, `(N, D)`; null: nothing
    default Tensor backward(
            Tensor dy, Tensor x, Tensor statistics, Tensor residual, Adapter adapter) {
        Tensor dx = backward(dy, x, statistics, adapter);
        return residual == null ? dx : dx.addInPlace(residual);
    }

    /// The norm as an ordinary expression, for autograd.
    ///
    /// @param values gives the numbers of a weight
    Tensor apply(Tensor x, Function<Weight, Tensor> values);

    /// Bytes of what [#apply] makes of a row with autograd, at most.
    ///
    /// @param width `D`
    default long expressionBytes(long width) {
        return 7 * Float.BYTES * width;
    }
}
