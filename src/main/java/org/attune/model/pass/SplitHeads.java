package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.SelfAttention;
import org.attune.tensor.Tensor;

import java.util.function.Supplier;

/// Attention in ordinary operators: queries, keys and values are put together head by head, since
/// batched products want them so. On every device; [JointHeads] is faster on processors.
final class SplitHeads {
    private SplitHeads() {}

    /// @param projections makes them, `(N, (CG + 2C) K)`; they are changed and freed
    /// @param out its first columns are written, `(N, CGK + …)`
    static Attended forward(
            SelfAttention b, Supplier<Tensor> projections, Tensor out, PassContext pass) {
        long columns = (long) pass.config().heads() * pass.config().headDim();
        Tensor o = pass.scratch(PassContext.Scratch.SECOND, columns).reshape(queryShape(pass));
        Attended.Split s = again(b, projections, pass);
        pass.temporary(
                () -> {
                    pass.attention().forward(s.q(), s.k(), s.v(), b.window(), b.softcap(), o);
                    return o;
                });
        byRow(out, pass).copyInPlace(o.transpose(0, 1));
        return s;
    }

    /// Splits projections into normed and rotated heads, which the backward pass needs. Attention
    /// itself isn't computed.
    static Attended.Split again(SelfAttention b, Supplier<Tensor> projections, PassContext pass) {
        DecoderConfig c = pass.config();
        int n = pass.size();
        Tensor q = Tensor.empty(pass.device(), pass.dtype(), queryShape(pass));
        Tensor k = Tensor.empty(pass.device(), pass.dtype(), c.kvHeads(), n, c.headDim());
        Tensor v = Tensor.empty(pass.device(), pass.dtype(), c.kvHeads(), n, c.headDim());
        Tensor y = pass.temporary(projections);
        Attended.QkNormed normed = HeadNorms.forward(b, y, pass);
        pass.temporary(
                () -> {
                    split(b, y, q, k, v, pass);
                    pass.prefix().ifPresent(p -> p.put(b, k.transpose(0, 1), v.transpose(0, 1)));
                    y.close();
                    return q;
                });
        return new Attended.Split(normed, q, k, v);
    }

    private static long[] queryShape(PassContext pass) {
        DecoderConfig c = pass.config();
        return new long[] {c.kvHeads(), pass.size(), c.heads() / c.kvHeads(), c.headDim()};
    }

    /// @param dOut gradient of the attention output, `(N, CGK + …)`
    /// @return gradient of the projections, `(N, (CG + 2C) K)`
    static Tensor backward(SelfAttention b, Tensor dOut, Attended.Split s, PassContext pass) {
        Tensor dHeads = Tensor.empty(dOut.device(), dOut.dtype(), s.q().shape());
        dHeads.copyInPlace(byRow(dOut, pass).transpose(0, 1)); // (C, N, G, K)
        Tensor[] d =
                pass.attention().backward(dHeads, s.q(), s.k(), s.v(), b.window(), b.softcap());
        return join(b, d, s, pass); // (N, q + k + v)
    }

    /// Splits normed projections into heads, and rotates them.
    private static void split(
            SelfAttention b, Tensor y, Tensor q, Tensor k, Tensor v, PassContext pass) {
        DecoderConfig c = pass.config();
        int n = pass.size();
        int groups = c.heads() / c.kvHeads();
        int rotated = c.heads() + c.kvHeads();
        Tensor queries = HeadViews.queries(y, c);
        Tensor keys = HeadViews.keys(y, c);
        for (int i = 0; i < c.kvHeads(); i++) {
            Tensor group = queries.narrow(1, (long) i * groups, groups); // (N, G, K)
            pass.rope(b).rotateQueries(group, q.select(0, i));
        }
        pass.rope(b).rotateKeys(keys, k.transpose(0, 1));
        v.copyInPlace(
                y.narrow(1, (long) rotated * c.headDim(), (long) c.kvHeads() * c.headDim())
                        .reshape(n, c.kvHeads(), c.headDim())
                        .transpose(0, 1)); // (C, N, K)
    }

    /// Takes gradients of queries, keys and values back to that of the projections.
    private static Tensor join(SelfAttention b, Tensor[] d, Attended.Split s, PassContext pass) {
        DecoderConfig c = pass.config();
        int n = pass.size();
        int groups = c.heads() / c.kvHeads();
        int rotated = c.heads() + c.kvHeads();
        long columns = (long) (rotated + c.kvHeads()) * c.headDim();
        Tensor dy = Tensor.empty(d[0].device(), d[0].dtype(), n, columns);
        pass.prefix().ifPresent(p -> p.learn(b, d[1].transpose(0, 1), d[2].transpose(0, 1)));
        Tensor dQueries = HeadViews.queries(dy, c);
        Tensor dKeys = HeadViews.keys(dy, c);
        for (int i = 0; i < c.kvHeads(); i++) {
            pass.rope(b)
                    .rotateQueriesBack(
                            d[0].select(0, i), dQueries.narrow(1, (long) i * groups, groups));
        }
        pass.rope(b).rotateKeysBack(d[1].transpose(0, 1), dKeys);
        HeadNorms.backward(b, dy, s.qkNormed(), pass);
        dy.narrow(1, (long) rotated * c.headDim(), (long) c.kvHeads() * c.headDim())
                .reshape(n, c.kvHeads(), c.headDim())
                .copyInPlace(d[2].transpose(0, 1));
        return dy;
    }

    /// `(N, CGK)` seen as `(N, C, G, K)`.
    private static Tensor byRow(Tensor x, PassContext pass) {
        DecoderConfig c = pass.config();
        return x.viewAs(
                new long[] {x.size(0), c.kvHeads(), c.heads() / c.kvHeads(), c.headDim()},
                new long[] {
                    x.stride(0), (long) c.heads() / c.kvHeads() * c.headDim(), c.headDim(), 1
                },
                0);
    }
}
