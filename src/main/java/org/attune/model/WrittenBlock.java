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
        Heads heads = heads(b, b.qkv().forward(h1, adapter, pass.dropout()), pass);
        Tensor o = pass.attention().forward(heads.q, heads.k, heads.v, b.window());
        Tensor ox = widened(x, b.output().in(), b.output().extra(adapter));
        byRow(head(ox, b.output().in()), pass).copyInPlace(o.transpose(0, 1));
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
        return new Result(
                out,
                new Saved(
                        x,
                        r1,
                        h1,
                        heads.normed,
                        heads.q,
                        heads.k,
                        heads.v,
                        ox,
                        x2,
                        r2,
                        h2,
                        gateUp,
                        downColumns));
    }

    /// @param dOut gradient of the block's output, `(N, D)`
    /// @return gradient of its input, `(N, D)`; parameters' gradients are added where they belong
    static Tensor backward(Block b, Tensor dOut, Saved s, Pass pass) {
        Tensor dx2 = feedForwardBackward(b, dOut, s, pass);
        Tensor dox = b.output().backward(dx2, s.ox(), pass.dropout()); // (N, CGK)
        Tensor dOutHeads = Tensor.empty(dox.device(), dox.dtype(), s.q().shape());
        dOutHeads.copyInPlace(byRow(dox, pass).transpose(0, 1)); // (C, N, G, K)
        Tensor[] d = pass.attention().backward(dOutHeads, s.q(), s.k(), s.v(), b.window());
        Tensor dy = headsBackward(b, d, s, pass); // (N, q + k + v)
        Tensor dh1 = b.qkv().backward(dy, s.h1(), pass.dropout()); // (N, D)
        return b.inputNorm().backward(dh1, s.x(), s.r1(), pass.adapter()).addInPlace(dx2);
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
        return b.postNorm().backward(dh2, s.x2(), s.r2(), pass.adapter()).addInPlace(dOut);
    }

    private static final class Heads {
        Saved.QkNormed normed;
        Tensor q;
        Tensor k;
        Tensor v;
    }

    /// Splits the projections into heads, norms and rotates them.
    private static Heads heads(Block b, Tensor y, Pass pass) {
        DecoderConfig c = pass.config();
        int n = pass.size();
        int groups = c.heads() / c.kvHeads();
        int rotated = c.heads() + c.kvHeads();
        Tensor qk = y.narrow(1, 0, (long) rotated * c.headDim()).reshape(n, rotated, c.headDim());
        Tensor queries = qk.narrow(1, 0, c.heads());
        Tensor keys = qk.narrow(1, c.heads(), c.kvHeads());
        var heads = new Heads();
        if (b.queryNorm() != null) {
            Tensor projections = qk.copy(); // (N, heads + kvHeads, K)
            Tensor rq = b.queryNorm().forward(queries.copy(), queries, pass.adapter());
            Tensor rk = b.keyNorm().forward(keys.copy(), keys, pass.adapter());
            heads.normed = new Saved.QkNormed(projections, rq, rk);
        }
        heads.q = Tensor.empty(y.device(), y.dtype(), c.kvHeads(), n, groups, c.headDim());
        heads.k = Tensor.empty(y.device(), y.dtype(), c.kvHeads(), n, c.headDim());
        for (int i = 0; i < c.kvHeads(); i++) {
            Tensor group = queries.narrow(1, (long) i * groups, groups); // (N, G, K)
            pass.rope().rotateQueries(group, heads.q.select(0, i));
        }
        pass.rope().rotateKeys(keys, heads.k.transpose(0, 1));
        heads.v =
                y.narrow(1, (long) rotated * c.headDim(), (long) c.kvHeads() * c.headDim())
                        .reshape(n, c.kvHeads(), c.headDim())
                        .transpose(0, 1)
                        .copy(); // (C, N, K)
        return heads;
    }

    /// Takes gradients of queries, keys and values back to that of the projections.
    private static Tensor headsBackward(Block b, Tensor[] d, Saved s, Pass pass) {
        DecoderConfig c = pass.config();
        int n = pass.size();
        int groups = c.heads() / c.kvHeads();
        int rotated = c.heads() + c.kvHeads();
        Tensor dy = Tensor.empty(d[0].device(), d[0].dtype(), n, b.qkv().out());
        Tensor dqk = dy.narrow(1, 0, (long) rotated * c.headDim()).reshape(n, rotated, c.headDim());
        Tensor dQueries = dqk.narrow(1, 0, c.heads());
        Tensor dKeys = dqk.narrow(1, c.heads(), c.kvHeads());
        for (int i = 0; i < c.kvHeads(); i++) {
            pass.rope()
                    .rotateQueriesBack(
                            d[0].select(0, i), dQueries.narrow(1, (long) i * groups, groups));
        }
        pass.rope().rotateKeysBack(d[1].transpose(0, 1), dKeys);
        if (s.qkNormed() != null) {
            Tensor projections = s.qkNormed().projections();
            Tensor queries = projections.narrow(1, 0, c.heads());
            Tensor keys = projections.narrow(1, c.heads(), c.kvHeads());
            Saved.QkNormed saved = s.qkNormed();
            Adapter adapter = pass.adapter();
            dQueries.copyInPlace(b.queryNorm().backward(dQueries, queries, saved.rq(), adapter));
            dKeys.copyInPlace(b.keyNorm().backward(dKeys, keys, saved.rk(), adapter));
        }
        dy.narrow(1, (long) rotated * c.headDim(), (long) c.kvHeads() * c.headDim())
                .reshape(n, c.kvHeads(), c.headDim())
                .copyInPlace(d[2].transpose(0, 1));
        return dy;
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

    /// `(N, CGK)` seen as `(N, C, G, K)`.
    private static Tensor byRow(Tensor x, Pass pass) {
        DecoderConfig c = pass.config();
        return x.viewAs(
                new long[] {x.size(0), c.kvHeads(), c.heads() / c.kvHeads(), c.headDim()},
                new long[] {
                    x.stride(0), (long) c.heads() / c.kvHeads() * c.headDim(), c.headDim(), 1
                },
                0);
    }
}
