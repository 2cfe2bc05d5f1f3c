package org.attune.model;

import org.attune.tensor.Tensor;

/// Norms of queries and keys by head, of the families that have them.
final class HeadNorms {
    private HeadNorms() {}

    /// Norms queries and keys where they are.
    ///
    /// @param y projections, `(N, (CG + 2C) K)`; changed
    /// @return what [#backward] needs, or null if the block has no such norms
    static Attended.QkNormed forward(Block b, Tensor y, Pass pass) {
        if (b.queryNorm() == null) {
            return null;
        }
        Tensor queries = HeadViews.queries(y, pass.config());
        Tensor keys = HeadViews.keys(y, pass.config());
        Tensor projections = HeadViews.queriesAndKeys(y, pass.config()).copy(); // (N, CG + C, K)
        Tensor rq = b.queryNorm().forward(queries.copy(), queries, pass.adapter());
        Tensor rk = b.keyNorm().forward(keys.copy(), keys, pass.adapter());
        return new Attended.QkNormed(projections, rq, rk);
    }

    /// Takes gradients of normed queries and keys back to those of the projections, where they are.
    ///
    /// @param dy `(N, (CG + 2C) K)`
    /// @param saved what [#forward] gave
    static void backward(Block b, Tensor dy, Attended.QkNormed saved, Pass pass) {
        if (saved == null) {
            return;
        }
        DecoderConfig c = pass.config();
        Tensor dQueries = HeadViews.queries(dy, c);
        Tensor dKeys = HeadViews.keys(dy, c);
        Tensor queries = saved.projections().narrow(1, 0, c.heads());
        Tensor keys = saved.projections().narrow(1, c.heads(), c.kvHeads());
        Adapter adapter = pass.adapter();
        dQueries.copyInPlace(b.queryNorm().backward(dQueries, queries, saved.rq(), adapter));
        dKeys.copyInPlace(b.keyNorm().backward(dKeys, keys, saved.rk(), adapter));
    }
}
