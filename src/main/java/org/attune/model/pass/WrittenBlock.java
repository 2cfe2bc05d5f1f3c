package org.attune.model.pass;

import static org.attune.model.pass.PassContext.Scratch.FIRST;
import static org.attune.model.pass.PassContext.Scratch.SECOND;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.LlamaBlock;
import org.attune.model.layer.Swiglu;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Optional;
import java.util.function.Supplier;

/// Forward and backward of a block, written by hand: no autograd graph, only what [Saved] lists is
/// kept. It knows [LlamaBlock]s; [PlainBlock] computes any block in ordinary operators, and tests
/// hold one against the other.
/// Shapes are those of [Saved].
final class WrittenBlock {
    private WrittenBlock() {}

    /// @param out block output, `(N, D)`
    /// @param saved for [#backward]
    record Result(Tensor out, Saved saved) {}

    /// Everything made stays in the current scope.
    static Result forward(LlamaBlock b, Tensor x, PassContext pass) {
        Saved s = upToDown(b, x, Optional.empty(), pass);
        Tensor ax = activated(b, s.gateUp(), pass);
        Tensor out = b.down().forward(ax, pass.adapter(), pass.dropout(), s.x2());
        return new Result(out, s.withDownColumns(downColumns(b, ax, pass))); // (N, D)
    }

    /// What [#forward] saves, computed again without the block's output, which nobody needs then.
    ///
    /// @param attention what it made, if that was kept
    static Saved again(
            LlamaBlock b, Tensor x, Optional<KeptAttention> attention, PassContext pass) {
        Saved s = upToDown(b, x, attention, pass);
        if (b.down().extra(pass.adapter()) == 0) {
            return s;
        }
        Tensor ax = activated(b, s.gateUp(), pass);
        b.down().reduce(ax, pass.adapter(), pass.dropout());
        return s.withDownColumns(downColumns(b, ax, pass));
    }

    /// What [#forward] saves: kept rows are taken over, the rest is computed again.
    static Saved completed(LlamaBlock b, KeptRows kept, PassContext pass) {
        Adapter adapter = pass.adapter();
        Tensor h1 = widened(kept.x(), b.qkv().in(), b.qkv().extra(adapter));
        Tensor r1 = b.inputNorm().forward(kept.x(), h1, adapter);
        if (kept.qkv() != null) {
            b.qkv().reduce(h1, adapter, pass.dropout());
        }
        Tensor h2 = widened(kept.x(), b.gateUp().in(), b.gateUp().extra(adapter));
        Tensor r2 = b.postNorm().forward(kept.x2(), h2, adapter);
        b.gateUp().reduce(h2, adapter, pass.dropout());
        return new Saved(
                kept.x(),
                r1,
                h1,
                attended(b, kept.qkv(), h1, pass),
                kept.ox(),
                kept.x2(),
                r2,
                h2,
                kept.gateUp(),
                kept.downColumns());
    }

    /// What the backward pass needs of attention, from projections that were kept, or else are
    /// computed again.
    private static Attended attended(LlamaBlock b, Tensor qkv, Tensor h1, PassContext pass) {
        if (qkv != null) {
            return new Attended.Joint(null, qkv, null);
        }
        Tensor y = b.qkv().forward(h1, pass.adapter(), pass.dropout());
        return JointHeads.again(b.attention(), y, null, pass);
    }

    /// Computes all of the block but the down projection.
    private static Saved upToDown(
            LlamaBlock b, Tensor x, Optional<KeptAttention> attention, PassContext pass) {
        Adapter adapter = pass.adapter();
        Tensor h1 = widened(x, b.qkv().in(), b.qkv().extra(adapter));
        Tensor r1 = b.inputNorm().forward(x, h1, adapter);
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
        Tensor x2 = b.output().forward(ox, adapter, pass.dropout(), x); // (N, D)
        Tensor h2 = widened(x, b.gateUp().in(), b.gateUp().extra(adapter));
        Tensor r2 = b.postNorm().forward(x2, h2, adapter);
        Tensor gateUp = b.gateUp().forward(h2, adapter, pass.dropout()); // (N, 2F)
        return new Saved(x, r1, h1, attended, ox, x2, r2, h2, gateUp, null);
    }

    /// Input of the down projection, `(N, F + R)`; the adapter's columns are not filled yet.
    private static Tensor activated(LlamaBlock b, Tensor gateUp, PassContext pass) {
        long columns = b.down().in() + (long) b.down().extra(pass.adapter());
        Tensor ax = pass.scratchRows(FIRST, columns);
        Swiglu.forward(gateUp, () -> pass.scratch(SECOND, b.down().in()), ax);
        return ax;
    }

    /// Copies the adapter's columns of the down projection's filled input, `(N, R)`, or null
    /// without an adapter.
    private static Tensor downColumns(LlamaBlock b, Tensor ax, PassContext pass) {
        int columns = b.down().extra(pass.adapter());
        return columns == 0 ? null : ax.narrow(1, b.down().in(), columns).copy();
    }

    /// Frees what was saved, but for the input, on the way.
    ///
    /// @param dOut gradient of the block's output, `(N, D)`
    /// @return gradient of its input, `(N, D)`; parameters' gradients are added where they belong
    static Tensor backward(LlamaBlock b, Tensor dOut, Saved s, PassContext pass) {
        Tensor dx2;
        try (var scope = TensorScope.open("feed-forward")) {
            dx2 = scope.keep(feedForwardBackward(b, dOut, s, pass));
        }
        s.freeFeedForward();
        try (var scope = TensorScope.open("attention")) {
            Tensor dox = b.output().backward(dx2, s.ox(), pass.dropout()); // (N, CGK)
            Tensor dy = // (N, q + k + v)
                    pass.attendBackward(b.attention(), s.ox(), dox, s.attended());
            dox.close();
            Tensor dh1 = b.qkv().backward(dy, s.h1(), pass.dropout()); // (N, D)
            dy.close();
            Tensor dx = scope.keep(b.inputNorm().backward(dh1, s.x(), s.r1(), dx2, pass.adapter()));
            s.freeAttention();
            return dx;
        }
    }

    /// Through down projection, activation, gate and up, and the second norm; the residual
    /// included. Leaves the gradient of gate and up in their place.
    private static Tensor feedForwardBackward(
            LlamaBlock b, Tensor dOut, Saved s, PassContext pass) {
        int inner = b.down().in();
        Tensor ax = activated(b, s.gateUp(), pass);
        if (s.downColumns() != null) {
            ax.narrow(1, inner, s.downColumns().size(1)).copyInPlace(s.downColumns());
        }
        Tensor da = b.down().backward(dOut, ax, pass.dropout()); // (N, F)
        // The input has done its service.
        Swiglu.backward(da, s.gateUp(), () -> pass.scratch(SECOND, inner), ax);
        da.close();
        Tensor dh2 = b.gateUp().backward(s.gateUp(), s.h2(), pass.dropout()); // (N, D)
        return b.postNorm().backward(dh2, s.x2(), s.r2(), dOut, pass.adapter());
    }

    /// Memory for `width` columns and the adapters' behind them.
    private static Tensor widened(Tensor like, int width, int extra) {
        return DeviceKernels.rows(like.device(), like.dtype(), like.size(0), width + (long) extra);
    }
}
