package org.attune.model;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// What the backward pass through a block's attention needs of the forward pass. `N` rows, `C`
/// key/value heads, `G` query heads per key/value head, `K` head size.
sealed interface Attended {
    /// Projections before the per-head norms and their statistics, or null.
    QkNormed qkNormed();

    /// Gives all tensors to `scope`.
    void moveTo(TensorScope scope);

    /// Frees all tensors.
    void close();

    /// @param projections q and k before their norms, `(N, heads + kvHeads, K)`
    /// @param rq statistics of queries, `(N, heads, 1)`
    /// @param rk statistics of keys, `(N, kvHeads, 1)`
    record QkNormed(Tensor projections, Tensor rq, Tensor rk) {
        void moveTo(TensorScope scope) {
            scope.adopt(projections);
            scope.adopt(rq);
            scope.adopt(rk);
        }

        void close() {
            projections.close();
            rq.close();
            rk.close();
        }
    }

    /// @param qkv rotated queries, scaled, rotated keys, and values, side by side,
    ///     `(N, (CG + 2C) K)`
    record Joint(QkNormed qkNormed, Tensor qkv) implements Attended {
        @Override
        public void moveTo(TensorScope scope) {
            scope.adopt(qkv);
            if (qkNormed != null) {
                qkNormed.moveTo(scope);
            }
        }

        @Override
        public void close() {
            qkv.close();
            if (qkNormed != null) {
                qkNormed.close();
            }
        }
    }

    /// @param q scaled rotated queries, `(C, N, G, K)`
    /// @param k rotated keys, `(C, N, K)`
    /// @param v values, `(C, N, K)`
    record Split(QkNormed qkNormed, Tensor q, Tensor k, Tensor v) implements Attended {
        @Override
        public void moveTo(TensorScope scope) {
            scope.adopt(q);
            scope.adopt(k);
            scope.adopt(v);
            if (qkNormed != null) {
                qkNormed.moveTo(scope);
            }
        }

        @Override
        public void close() {
            q.close();
            k.close();
            v.close();
            if (qkNormed != null) {
                qkNormed.close();
            }
        }
    }
}
