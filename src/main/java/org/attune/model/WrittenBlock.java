package org.attune.model;

import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// Forward and backward of a block, written by hand: no autograd graph, only what [Saved] lists is
/// kept. [PlainBlock] is the same in ordinary operators, and tests hold one against the other.
/// Shapes are those of [Saved].
final class WrittenBlock {
    private WrittenBlock() {}

    /// @param out block output, `(N, D)`
    /// @param saved for [#backward]
    record Result(Tensor out, Saved saved) {}

    /// Everything made stays in the current scope.
    static Result forward(Block b, Tensor x, Pass pass) {
        Adapter adapter = pass.adapter();
        Tensor h1 = widened(x, b.qkv().in(), b.qkv().extra(adapter));
        Tensor r1 = b.inputNorm().forward(x, head(h1, b.qkv().in()), adapter);
        Tensor y = b.qkv().forward(h1, adapter, pass.dropout()); // (N, q + k + v)
        Tensor ox = widened(x, b.output().in(), b.output().extra(adapter));
        Attended attended = pass.attend(b, y, ox);
        Tensor x2 = b.output().forward(ox, adapter, pass.dropout()).addInPlace(x); // (N, D)
        Tensor h2 = widened(x, b.gateUp().in(), b.gateUp().extra(adapter));
        Tensor r2 = b.postNorm().forward(x2, head(h2, b.gateUp().in()), adapter);
        Tensor gateUp = b.gateUp().forward(h2, adapter, pass.dropout()); // (N, 2F)
        Tensor ax = widened(x, b.down().in(), b.down().extra(adapter));
        activate(b, gateUp, head(ax, b.down().in()));
        Tensor out = b.down().forward(ax, adapter, pass.dropout()).addInPlace(x2); // (N, D)
        int columns = b.down().extra(adapter);
        Tensor downColumns =
                columns == 0 ? null : ax.narrow(1, b.down().in(), columns).copy(); // (N, R)
        return new Result(out, new Saved(x, r1, h1, attended, ox, x2, r2, h2, gateUp, downColumns));
    }

    /// @param dOut gradient of the block's output, `(N, D)`
    /// @return gradient of its input, `(N, D)`; parameters' gradients are added where they belong
    static Tensor backward(Block b, Tensor dOut, Saved s, Pass pass) {
        Tensor dx2 = feedForwardBackward(b, dOut, s, pass);
        Tensor dox = b.output().backward(dx2, s.ox(), pass.dropout()); // (N, CGK)
        Tensor dy = pass.attendBackward(b, dox, s.attended()); // (N, q + k + v)
        Tensor dh1 = b.qkv().backward(dy, s.h1(), pass.dropout()); // (N, D)
        return b.inputNorm().backward(dh1, s.x(), s.r1(), dx2, pass.adapter());
    }

    /// Through down projection, activation, gate and up, and the second norm; the residual
    /// included.
    private static Tensor feedForwardBackward(Block b, Tensor dOut, Saved s, Pass pass) {
        int inner = b.down().in();
        Tensor gate = s.gateUp().narrow(1, 0, inner); // (N, F)
        Tensor up = s.gateUp().narrow(1, inner, inner); // (N, F)
        Tensor ax = widened(dOut, inner, b.down().extra(pass.adapter()));
        Tensor silu = Tensor.empty(gate.device(), gate.dtype(), gate.shape());
        Kernels.silu(gate, silu);
        Kernels.mul(silu, up, head(ax, inner));
        if (s.downColumns() != null) {
            ax.narrow(1, inner, s.downColumns().size(1)).copyInPlace(s.downColumns());
        }
        Tensor da = b.down().backward(dOut, ax, pass.dropout()); // (N, F)
        Tensor dGateUp = Tensor.empty(da.device(), da.dtype(), s.gateUp().shape());
        Kernels.mul(da, silu, dGateUp.narrow(1, inner, inner));
        Kernels.siluBackward(da.mulInPlace(up), gate, dGateUp.narrow(1, 0, inner));
        Tensor dh2 = b.gateUp().backward(dGateUp, s.h2(), pass.dropout()); // (N, D)
        return b.postNorm().backward(dh2, s.x2(), s.r2(), dOut, pass.adapter());
    }

    /// `silu(gate) · up` into `out`.
    static void activate(Block b, Tensor gateUp, Tensor out) {
        int inner = b.down().in();
        try (var _ = TensorScope.open("activate")) {
            Tensor gate = gateUp.narrow(1, 0, inner);
            Tensor silu = Tensor.empty(gate.device(), gate.dtype(), gate.shape());
            Kernels.silu(gate, silu);
            Kernels.mul(silu, gateUp.narrow(1, inner, inner), out);
        }
    }

    /// Memory for `width` columns and the adapters' behind them.
    private static Tensor widened(Tensor like, int width, int extra) {
        return Tensor.empty(like.device(), like.dtype(), like.size(0), width + (long) extra);
    }

    private static Tensor head(Tensor wide, int width) {
        return wide.narrow(1, 0, width);
    }
}
