package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.config.NormConfig;
import org.attune.model.config.QkNorm;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Norm;
import org.attune.model.layer.RmsNorm;
import org.attune.model.layer.SelfAttention;
import org.attune.model.layer.Weight;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Elements;
import org.attune.tensor.Tensor;
import org.attune.tensor.VectorKernels;

import java.util.Optional;

/// Norms of queries and keys, of the families that have them.
public final class HeadNorms {
    private HeadNorms() {}

    /// Norms queries and keys where they are.
    ///
    /// @param y projections, `(N, (CG + 2C) K)`; changed
    /// @return what [#backward] needs, or null if the block has no such norms
    static Attended.QkNormed forward(SelfAttention b, Tensor y, PassContext pass) {
        if (b.queryNorm() == null) {
            return null;
        }
        DecoderConfig c = pass.config();
        long columns = (long) (c.heads() + c.kvHeads()) * c.headDim();
        Tensor before = Tensor.empty(y.device(), y.dtype(), y.size(0), columns);
        Optional<VectorKernels.HeadNorms> kernel = kernel(b, y, c, pass.adapter());
        if (kernel.isPresent()) {
            return new Attended.QkNormed(before, kernel.get().forward(y, before));
        }
        before.copyInPlace(y.narrow(1, 0, columns));
        return new Attended.QkNormed(
                before,
                c.attention().qkNorm() == QkNorm.TOGETHER
                        ? together(b, y, c, pass.adapter())
                        : byOperators(b, y, c, pass.adapter()));
    }

    /// Norms queries and keys where they are, for no backward pass, and bounds them and values if
    /// the model does ([org.attune.model.config.AttentionConfig#clip]).
    ///
    /// @param y projections, `(N, (CG + 2C) K)`, rotated where norms come after that; changed
    public static void apply(SelfAttention b, Tensor y, DecoderConfig c, Adapter adapter) {
        normed(b, y, c, adapter);
        if (c.attention().clip() > 0) {
            Elements.clampInPlace(y, c.attention().clip());
        }
    }

    private static void normed(SelfAttention b, Tensor y, DecoderConfig c, Adapter adapter) {
        if (b.queryNorm() == null) {
            return;
        }
        if (c.attention().qkNorm() == QkNorm.TOGETHER) {
            together(b, y, c, adapter);
            return;
        }
        if (isPlain(c)
                && b.queryNorm() instanceof RmsNorm
                && DeviceKernels.serve(y.device(), y.dtype())) {
            DeviceKernels.headNorms(
                    y,
                    Rope.heads(c),
                    weight(b.queryNorm()).value(adapter),
                    weight(b.keyNorm()).value(adapter),
                    c.normEps());
            return;
        }
        kernel(b, y, c, adapter)
                .ifPresentOrElse(k -> k.forward(y, null), () -> byOperators(b, y, c, adapter));
    }

    /// Norms all queries of a row together, and all keys.
    ///
    /// @param y projections, changed
    /// @return statistics, `(N, 2)`
    private static Tensor together(SelfAttention b, Tensor y, DecoderConfig c, Adapter adapter) {
        long queries = (long) c.heads() * c.headDim();
        long keys = (long) c.kvHeads() * c.headDim();
        return Tensor.cat(
                1,
                together(b.queryNorm(), y.narrow(1, 0, queries), adapter),
                together(b.keyNorm(), y.narrow(1, queries, keys), adapter));
    }

    /// @param part of the projections; changed
    /// @return statistics, `(N, 1)`
    private static Tensor together(Norm norm, Tensor part, Adapter adapter) {
        Tensor rows = part.contiguous();
        Tensor normed = Tensor.empty(rows.device(), rows.dtype(), rows.shape());
        Tensor statistics = norm.forward(rows, normed, adapter);
        part.copyInPlace(normed);
        return statistics;
    }

    /// @return statistics, `(N, CG + C, 1)`
    private static Tensor byOperators(SelfAttention b, Tensor y, DecoderConfig c, Adapter adapter) {
        Tensor queries = HeadViews.queries(y, c);
        Tensor keys = HeadViews.keys(y, c);
        return Tensor.cat(
                1,
                b.queryNorm().forward(queries, queries, adapter),
                b.keyNorm().forward(keys, keys, adapter));
    }

    /// Whether the norms have no offset: kernels add none.
    private static boolean isPlain(DecoderConfig c) {
        return c.block().norm() instanceof NormConfig.Rms(double _, double offset) && offset == 0;
    }

    /// The weight of a norm that kernels compute.
    private static Weight weight(Norm norm) {
        return ((RmsNorm) norm).weight();
    }

    private static Optional<VectorKernels.HeadNorms> kernel(
            SelfAttention b, Tensor y, DecoderConfig c, Adapter adapter) {
        return c.block().norm() instanceof NormConfig.Rms(double _, double offset)
                        && c.attention().qkNorm() == QkNorm.HEADS
                        && VectorKernels.serve(y.device(), y.dtype(), c.headDim())
                ? Optional.of(
                        new VectorKernels.HeadNorms(
                                c.heads(),
                                c.kvHeads(),
                                weight(b.queryNorm()).value(adapter),
                                weight(b.keyNorm()).value(adapter),
                                c.normEps(),
                                offset))
                : Optional.empty();
    }

    /// Takes gradients of normed queries and keys back to those of the projections, where they are.
    ///
    /// @param dy `(N, (CG + 2C) K)`
    /// @param saved what [#forward] gave
    static void backward(SelfAttention b, Tensor dy, Attended.QkNormed saved, PassContext pass) {
        if (saved == null) {
            return;
        }
        DecoderConfig c = pass.config();
        if (c.attention().qkNorm() == QkNorm.TOGETHER) {
            long queries = (long) c.heads() * c.headDim();
            long keys = (long) c.kvHeads() * c.headDim();
            togetherBackward(b.queryNorm(), dy, saved, 0, queries, 0, pass.adapter());
            togetherBackward(b.keyNorm(), dy, saved, queries, keys, 1, pass.adapter());
            return;
        }
        Tensor dQueries = HeadViews.queries(dy, c);
        Tensor dKeys = HeadViews.keys(dy, c);
        Tensor queries = HeadViews.queries(saved.projections(), c);
        Tensor keys = HeadViews.keys(saved.projections(), c);
        Tensor rq = saved.r().narrow(1, 0, c.heads());
        Tensor rk = saved.r().narrow(1, c.heads(), c.kvHeads());
        Adapter adapter = pass.adapter();
        Optional<VectorKernels.HeadNorms> kernel = kernel(b, dy, c, adapter);
        if (kernel.isEmpty()) {
            dQueries.copyInPlace(b.queryNorm().backward(dQueries, queries, rq, adapter));
            dKeys.copyInPlace(b.keyNorm().backward(dKeys, keys, rk, adapter));
            return;
        }
        ((RmsNorm) b.queryNorm()).learn(dQueries, queries, rq, adapter);
        ((RmsNorm) b.keyNorm()).learn(dKeys, keys, rk, adapter);
        kernel.get().backward(dy, saved.projections(), saved.r());
    }

    /// @param from first column of the part
    /// @param columns of the part
    /// @param number of its statistics
    private static void togetherBackward(
            Norm norm,
            Tensor dy,
            Attended.QkNormed saved,
            long from,
            long columns,
            int number,
            Adapter adapter) {
        Tensor part = dy.narrow(1, from, columns);
        Tensor before = saved.projections().narrow(1, from, columns);
        Tensor r = saved.r().narrow(1, number, 1);
        part.copyInPlace(norm.backward(part, before.contiguous(), r.contiguous(), adapter));
    }
}
