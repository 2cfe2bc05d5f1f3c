package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.SelfAttention;
import org.attune.tensor.Tensor;
import org.attune.tensor.vector.AttentionShape;

/// Heads of projections that stand side by side in a row: queries, keys, values.
public final class HeadViews {
    private HeadViews() {}

    /// The sizes of heads that kernels need.
    public static AttentionShape shape(DecoderConfig c) {
        return new AttentionShape(c.kvHeads(), c.heads() / c.kvHeads(), c.headDim());
    }

    /// What a block's projections put out, in order: all queries, then all keys, then all values.
    ///
    /// @param y `(N, (CG + 2C) K)`, by head where [SelfAttention#byHead]
    /// @return `(N, (CG + 2C) K)`
    public static Tensor inOrder(SelfAttention b, Tensor y, DecoderConfig c) {
        return b.byHead()
                ? y.reshape(y.size(0), c.heads(), 3, c.headDim())
                        .transpose(1, 2)
                        .reshape(y.size(0), y.size(1))
                : y;
    }

    /// Queries, a view `(N, CG, K)` of `(N, (CG + 2C) K)`.
    public static Tensor queries(Tensor y, DecoderConfig c) {
        return heads(y, c, 0, c.heads());
    }

    /// Keys, a view `(N, C, K)`.
    public static Tensor keys(Tensor y, DecoderConfig c) {
        return heads(y, c, c.heads(), c.kvHeads());
    }

    /// Values, a view `(N, C, K)`.
    public static Tensor values(Tensor y, DecoderConfig c) {
        return heads(y, c, c.heads() + c.kvHeads(), c.kvHeads());
    }

    /// Queries, then keys, a view `(N, CG + C, K)`.
    public static Tensor queriesAndKeys(Tensor y, DecoderConfig c) {
        return heads(y, c, 0, c.heads() + c.kvHeads());
    }

    /// Keys, then values, a view `(N, 2C, K)`.
    public static Tensor keysAndValues(Tensor y, DecoderConfig c) {
        return heads(y, c, c.heads(), 2 * c.kvHeads());
    }

    /// Gates of heads, where each stands behind its query.
    ///
    /// @param y projections with gates, `(N, (2CG + 2C) K)`
    /// @return `(N, CGK)`
    public static Tensor gates(Tensor y, DecoderConfig c) {
        return ofQueries(y, c, 1);
    }

    /// The projections without gates.
    ///
    /// @param y `(N, (2CG + 2C) K)`
    /// @return `(N, (CG + 2C) K)`
    public static Tensor withoutGates(Tensor y, DecoderConfig c) {
        long queries = (long) c.heads() * c.headDim();
        long others = 2L * c.kvHeads() * c.headDim();
        return Tensor.cat(1, ofQueries(y, c, 0), y.narrow(1, 2 * queries, others));
    }

    /// Projections with gates, each behind its query.
    ///
    /// @param y projections without, `(N, (CG + 2C) K)`
    /// @param gates `(N, CGK)`
    /// @return `(N, (2CG + 2C) K)`
    static Tensor withGates(Tensor y, Tensor gates, DecoderConfig c) {
        long n = y.size(0);
        long queries = (long) c.heads() * c.headDim();
        Tensor byHead =
                Tensor.cat(
                        2,
                        y.narrow(1, 0, queries).reshape(n, c.heads(), c.headDim()),
                        gates.reshape(n, c.heads(), c.headDim()));
        return Tensor.cat(
                1,
                byHead.reshape(n, 2 * queries),
                y.narrow(1, queries, 2L * c.kvHeads() * c.headDim()));
    }

    /// @param half 0: queries; 1: gates
    private static Tensor ofQueries(Tensor y, DecoderConfig c, int half) {
        long queries = (long) c.heads() * c.headDim();
        return y.narrow(1, 0, 2 * queries)
                .reshape(y.size(0), c.heads(), 2L * c.headDim())
                .narrow(2, (long) half * c.headDim(), c.headDim())
                .reshape(y.size(0), queries);
    }

    private static Tensor heads(Tensor y, DecoderConfig c, int first, int count) {
        int size = c.headDim();
        return y.viewAs(
                new long[] {y.size(0), count, size},
                new long[] {y.stride(0), size, 1},
                (long) first * size);
    }
}
