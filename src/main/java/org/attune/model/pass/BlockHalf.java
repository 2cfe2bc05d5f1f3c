package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Block;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.Norm;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Half of a block: a part that reads the residual stream, normed or not, and adds to it what it
/// puts out, normed and scaled or not. `N` rows, `D` width, `S` statistics of a norm, `R` extra
/// columns of adapters.
sealed interface BlockHalf permits AttentionHalf, DenseHalf, ExpertsHalf, PlainHalf, StateHalf {
    /// What a half keeps for its backward pass.
    interface Kept {
        /// All of it.
        Stream<Tensor> tensors();

        /// Gives all tensors to `scope`.
        default void moveTo(TensorScope scope) {
            tensors().forEach(scope::adopt);
        }

        /// Frees all tensors.
        default void close() {
            tensors().forEach(Tensor::close);
        }
    }

    /// @param sum residual stream behind the half, `(N, D)`
    /// @param kept for [#backward]
    record Result(Tensor sum, Kept kept) {}

    /// @param from what the part reads, `(N, D)`
    /// @param residual what it is added to, `(N, D)`
    Result forward(Tensor from, Tensor residual, PassContext pass);

    /// What [#forward] keeps, computed again; its sum may be left out.
    Kept again(Tensor from, Tensor residual, PassContext pass);

    /// The gradient of `from`, plus that of the residual stream beside it, `(N, D)`; gradients of
    /// parameters are added where they belong.
    ///
    /// @param dSum gradient of the sum, `(N, D)`
    /// @param beside is added, `(N, D)`
    Tensor backward(Tensor dSum, Tensor beside, Tensor from, Kept kept, PassContext pass);

    /// Bytes that [Kept] has of a row, at most.
    ///
    /// @param number bytes of one in the compute dtype
    long keptBytes(DecoderConfig config, long number);

    /// @param y what a part put out before its norm, `(N, D)`
    /// @param r statistics of the norm, `(N, S)`
    record Normed(Tensor y, Tensor r) {
        static Stream<Tensor> tensors(Normed normed) {
            return normed == null ? Stream.empty() : Stream.of(normed.y, normed.r);
        }
    }

    /// @param sum residual stream behind the part
    /// @param normed what was normed, or null without a norm behind the part
    record Put(Tensor sum, Normed normed) {}

    /// Adds what a linear layer makes of `h` to the residual stream.
    static Put put(
            Optional<Norm> norm, FusedLinear linear, Tensor h, Tensor residual, PassContext pass) {
        if (norm.isEmpty() && pass.config().block().residualScale() == 1) {
            return new Put(linear.forward(h, pass.adapter(), pass.dropout(), residual), null);
        }
        return put(norm, linear.forward(h, pass.adapter(), pass.dropout()), residual, pass);
    }

    /// Adds what a part puts out to the residual stream.
    ///
    /// @param y may be changed
    static Put put(Optional<Norm> norm, Tensor y, Tensor residual, PassContext pass) {
        double scale = pass.config().block().residualScale();
        if (norm.isEmpty()) {
            return new Put((scale == 1 ? y : y.mulInPlace(scale)).addInPlace(residual), null);
        }
        Tensor sum = Tensor.empty(y.device(), y.dtype(), y.shape());
        Tensor r = norm.get().forward(y, sum, pass.adapter());
        Tensor scaled = scale == 1 ? sum : sum.mulInPlace(scale);
        return new Put(scaled.addInPlace(residual), new Normed(y, r));
    }

    /// The gradient of what a part put out.
    ///
    /// @param dSum gradient of the residual stream behind it
    static Tensor putBackward(Optional<Norm> norm, Tensor dSum, Normed normed, PassContext pass) {
        double scale = pass.config().block().residualScale();
        Tensor d = scale == 1 ? dSum : dSum.mul(scale);
        return norm.isEmpty()
                ? d
                : norm.get().backward(d, normed.y(), normed.r(), null, pass.adapter());
    }

    /// Writes what a part reads.
    ///
    /// @param h its first columns are written, `(N, D + R)`
    /// @return statistics, or null without a norm
    static Tensor read(Optional<Norm> norm, Tensor from, Tensor h, PassContext pass) {
        if (norm.isPresent()) {
            return norm.get().forward(from, h, pass.adapter());
        }
        h.narrow(1, 0, from.size(1)).copyInPlace(from);
        return null;
    }

    /// The gradient of what [#read] was given, plus that of the residual stream beside it.
    static Tensor readBackward(
            Optional<Norm> norm,
            Tensor dh,
            Tensor from,
            Tensor r,
            Tensor beside,
            PassContext pass) {
        return norm.isPresent()
                ? norm.get().backward(dh, from, r, beside, pass.adapter())
                : dh.add(beside);
    }

    /// Bytes of a half's norms, of what they read, and of its layers' adapter columns, of a row.
    static long keptBytes(Block.Norms norms, List<FusedLinear> linears, long width, long number) {
        long columns = linears.stream().mapToLong(l -> l.extra(Adapter.TRAINED)).sum();
        long normed = norms.after().isPresent() ? number * width + 2 * Float.BYTES : 0;
        return number * (width + columns) + 2 * Float.BYTES + normed;
    }

    /// Memory for `width` columns and the adapters' behind them.
    static Tensor widened(Tensor like, int width, int extra) {
        return DeviceKernels.rows(like.device(), like.dtype(), like.size(0), width + (long) extra);
    }
}
