package org.attune.model.pass;

import static org.attune.model.pass.PassContext.Scratch.FIRST;
import static org.attune.model.pass.PassContext.Scratch.SECOND;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.DenseBlock;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.Norm;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Optional;
import java.util.function.Supplier;

/// Forward and backward of a block, written by hand: no autograd graph, only what [Saved] lists is
/// kept. It knows [DenseBlock]s; [PlainBlock] computes any block in ordinary operators, and tests
/// hold one against the other.
/// Shapes are those of [Saved].
final class WrittenBlock {
    private WrittenBlock() {}

    /// @param out block output, `(N, D)`
    /// @param saved for [#backward]
    record Result(Tensor out, Saved saved) {}

    /// Everything made stays in the current scope.
    static Result forward(DenseBlock b, Tensor x, PassContext pass) {
        Saved s = upToDown(b, x, Optional.empty(), pass);
        Tensor ax = activated(b, s.gateUp(), pass);
        Put put = put(b.feedForwardNorms().after(), b.down(), ax, s.x2(), pass);
        return new Result( // (N, D)
                put.sum(), s.withFeedForward(downColumns(b, ax, pass), put.normed()));
    }

    /// @param sum residual stream behind a part of the block, `(N, D)`
    /// @param normed what the part put out before its norm, or null without one
    private record Put(Tensor sum, Saved.Normed normed) {}

    /// What a part puts out, normed and scaled where that is asked for, plus the residual stream.
    private static Put put(
            Optional<Norm> norm, FusedLinear linear, Tensor h, Tensor residual, PassContext pass) {
        double scale = pass.config().block().residualScale();
        if (norm.isEmpty() && scale == 1) {
            return new Put(linear.forward(h, pass.adapter(), pass.dropout(), residual), null);
        }
        Tensor y = linear.forward(h, pass.adapter(), pass.dropout());
        if (norm.isEmpty()) {
            return new Put(y.mulInPlace(scale).addInPlace(residual), null);
        }
        Tensor sum = Tensor.empty(y.device(), y.dtype(), y.shape());
        Tensor r = norm.get().forward(y, sum, pass.adapter());
        sum = scale == 1 ? sum : sum.mulInPlace(scale);
        return new Put(sum.addInPlace(residual), new Saved.Normed(y, r));
    }

    /// The gradient of what a linear layer put out.
    ///
    /// @param dSum gradient of the residual stream behind the part
    private static Tensor putBackward(
            Optional<Norm> norm, Tensor dSum, Saved.Normed normed, PassContext pass) {
        double scale = pass.config().block().residualScale();
        Tensor d = scale == 1 ? dSum : dSum.mul(scale);
        return norm.isEmpty()
                ? d
                : norm.get().backward(d, normed.y(), normed.r(), null, pass.adapter());
    }

    /// Writes what a linear layer reads: the residual stream, normed or as it is.
    ///
    /// @param h its first columns are written, `(N, D + R)`
    /// @return statistics, or null without a norm
    private static Tensor read(Optional<Norm> norm, Tensor x, Tensor h, PassContext pass) {
        if (norm.isPresent()) {
            return norm.get().forward(x, h, pass.adapter());
        }
        h.narrow(1, 0, x.size(1)).copyInPlace(x);
        return null;
    }

    /// The gradient of what [#read] was given, plus that of the residual stream beside it.
    private static Tensor readBackward(
            Optional<Norm> norm, Tensor dh, Tensor x, Tensor r, Tensor residual, PassContext pass) {
        return norm.isPresent()
                ? norm.get().backward(dh, x, r, residual, pass.adapter())
                : dh.add(residual);
    }

    /// What [#forward] saves, computed again without the block's output, which nobody needs then.
    ///
    /// @param attention what it made, if that was kept
    static Saved again(
            DenseBlock b, Tensor x, Optional<KeptAttention> attention, PassContext pass) {
        Saved s = upToDown(b, x, attention, pass);
        if (b.feedForwardNorms().after().isPresent()) {
            Tensor ax = activated(b, s.gateUp(), pass);
            Put put = put(b.feedForwardNorms().after(), b.down(), ax, s.x2(), pass);
            put.sum().close();
            return s.withFeedForward(downColumns(b, ax, pass), put.normed());
        }
        if (b.down().extra(pass.adapter()) == 0) {
            return s;
        }
        Tensor ax = activated(b, s.gateUp(), pass);
        b.down().reduce(ax, pass.adapter(), pass.dropout());
        return s.withFeedForward(downColumns(b, ax, pass), null);
    }

    /// What [#forward] saves: kept rows are taken over, the rest is computed again.
    static Saved completed(DenseBlock b, KeptRows kept, PassContext pass) {
        Adapter adapter = pass.adapter();
        Tensor h1 = widened(kept.x(), b.qkv().in(), b.qkv().extra(adapter));
        Tensor r1 = read(b.attentionNorms().before(), kept.x(), h1, pass);
        if (kept.qkv() != null) {
            b.qkv().reduce(h1, adapter, pass.dropout());
        }
        Tensor h2 = widened(kept.x(), b.up().in(), b.up().extra(adapter));
        Tensor r2 = read(b.feedForwardNorms().before(), kept.x2(), h2, pass);
        b.up().reduce(h2, adapter, pass.dropout());
        return new Saved(
                kept.x(),
                r1,
                h1,
                attended(b, kept.qkv(), h1, pass),
                kept.ox(),
                null,
                kept.x2(),
                r2,
                h2,
                kept.gateUp(),
                kept.downColumns(),
                null);
    }

    /// What the backward pass needs of attention, from projections that were kept, or else are
    /// computed again.
    private static Attended attended(DenseBlock b, Tensor qkv, Tensor h1, PassContext pass) {
        if (qkv != null) {
            return new Attended.Joint(null, qkv, null);
        }
        Tensor y = b.qkv().forward(h1, pass.adapter(), pass.dropout());
        return JointHeads.again(b.attention(), y, null, pass);
    }

    /// Computes all of the block but the down projection.
    private static Saved upToDown(
            DenseBlock b, Tensor x, Optional<KeptAttention> attention, PassContext pass) {
        Adapter adapter = pass.adapter();
        Tensor h1 = widened(x, b.qkv().in(), b.qkv().extra(adapter));
        Tensor r1 = read(b.attentionNorms().before(), x, h1, pass);
        Supplier<Tensor> projections = () -> b.qkv().forward(h1, adapter, pass.dropout());
        Tensor ox;
        Attended attended;
        if (attention.isPresent()) {
            ox = attention.get().ox();
            attended = pass.attendAgain(b.attention(), projections, attention.get());
        } else {
            ox = widened(x, b.output().in(), b.output().extra(adapter));
            attended = pass.attend(b.attention(), projections, ox);
        }
        Put put = put(b.attentionNorms().after(), b.output(), ox, x, pass);
        Tensor x2 = put.sum(); // (N, D)
        Tensor h2 = widened(x, b.up().in(), b.up().extra(adapter));
        Tensor r2 = read(b.feedForwardNorms().before(), read(b, x, x2), h2, pass);
        Tensor gateUp = b.up().forward(h2, adapter, pass.dropout()); // (N, U)
        return new Saved(x, r1, h1, attended, ox, put.normed(), x2, r2, h2, gateUp, null, null);
    }

    /// What the feed-forward part reads.
    private static Tensor read(DenseBlock b, Tensor x, Tensor x2) {
        return b.order().isParallel() ? x : x2;
    }

    /// Input of the down projection, `(N, F + R)`; the adapter's columns are not filled yet.
    private static Tensor activated(DenseBlock b, Tensor gateUp, PassContext pass) {
        long columns = b.down().in() + (long) b.down().extra(pass.adapter());
        Tensor ax = pass.scratchRows(FIRST, columns);
        b.feedForward().activate(gateUp, () -> pass.scratch(SECOND, b.down().in()), ax);
        return ax;
    }

    /// Copies the adapter's columns of the down projection's filled input, `(N, R)`, or null
    /// without an adapter.
    private static Tensor downColumns(DenseBlock b, Tensor ax, PassContext pass) {
        int columns = b.down().extra(pass.adapter());
        return columns == 0 ? null : ax.narrow(1, b.down().in(), columns).copy();
    }

    /// Frees what was saved, but for the input, on the way.
    ///
    /// @param dOut gradient of the block's output, `(N, D)`
    /// @return gradient of its input, `(N, D)`; parameters' gradients are added where they belong
    static Tensor backward(DenseBlock b, Tensor dOut, Saved s, PassContext pass) {
        Tensor dx2; // in a parallel block of the input too
        try (var scope = TensorScope.open("feed-forward")) {
            dx2 = scope.keep(feedForwardBackward(b, dOut, s, pass));
        }
        s.freeFeedForward();
        try (var scope = TensorScope.open("attention")) {
            Tensor behind = b.order().isParallel() ? dOut : dx2;
            Tensor dy1 = putBackward(b.attentionNorms().after(), behind, s.attentionOut(), pass);
            Tensor dox = b.output().backward(dy1, s.ox(), pass.dropout()); // (N, CGK)
            Tensor dy = // (N, q + k + v)
                    pass.attendBackward(b.attention(), s.ox(), dox, s.attended());
            dox.close();
            Tensor dh1 = b.qkv().backward(dy, s.h1(), pass.dropout()); // (N, D)
            dy.close();
            Tensor dx =
                    scope.keep(
                            readBackward(
                                    b.attentionNorms().before(), dh1, s.x(), s.r1(), dx2, pass));
            s.freeAttention();
            return dx;
        }
    }

    /// Through down projection, activation, gate and up, and the second norm; the residual
    /// included. Leaves the gradient of gate and up in their place.
    private static Tensor feedForwardBackward(
            DenseBlock b, Tensor dOut, Saved s, PassContext pass) {
        int inner = b.down().in();
        Tensor ax = activated(b, s.gateUp(), pass);
        if (s.downColumns() != null) {
            ax.narrow(1, inner, s.downColumns().size(1)).copyInPlace(s.downColumns());
        }
        Tensor dy2 = putBackward(b.feedForwardNorms().after(), dOut, s.feedForwardOut(), pass);
        Tensor da = b.down().backward(dy2, ax, pass.dropout()); // (N, F)
        // The input has done its service.
        b.feedForward().activateBackward(da, s.gateUp(), () -> pass.scratch(SECOND, inner), ax);
        da.close();
        Tensor dh2 = b.up().backward(s.gateUp(), s.h2(), pass.dropout()); // (N, D)
        Tensor from = read(b, s.x(), s.x2());
        return readBackward(b.feedForwardNorms().before(), dh2, from, s.r2(), dOut, pass);
    }

    /// Memory for `width` columns and the adapters' behind them.
    private static Tensor widened(Tensor like, int width, int extra) {
        return DeviceKernels.rows(like.device(), like.dtype(), like.size(0), width + (long) extra);
    }
}
