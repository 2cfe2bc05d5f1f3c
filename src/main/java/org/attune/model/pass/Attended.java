package org.attune.model.pass;

import org.attune.tensor.Tensor;

import java.util.List;
import java.util.stream.Stream;

/// What the backward pass through a block's attention needs of the forward pass. `N` rows, `C`
/// key/value heads, `G` query heads per key/value head, `K` head size.
sealed interface Attended {
    /// Projections before the per-head norms and their statistics, or null.
    QkNormed qkNormed();

    /// Logarithms of the sums of the scores' exponentials, `(N, CG)`, or null.
    Tensor logs();

    /// All tensors but those of [#qkNormed].
    List<Tensor> own();

    /// All tensors.
    default Stream<Tensor> all() {
        return qkNormed() == null
                ? own().stream()
                : Stream.concat(own().stream(), qkNormed().tensors());
    }

    /// @param projections q and k before their norms, `(N, (heads + kvHeads) K)`
    /// @param r statistics, `(N, heads + kvHeads, 1)`, or `(N, 2)` of norms over all heads
    record QkNormed(Tensor projections, Tensor r) {
        private Stream<Tensor> tensors() {
            return Stream.of(projections, r);
        }
    }

    /// @param qkv rotated queries, scaled, rotated keys, and values, side by side,
    ///     `(N, (CG + 2C) K)`
    /// @param logs of the sums of the scores' exponentials, `(N, CG)`, or null
    record Joint(QkNormed qkNormed, Tensor qkv, Tensor logs) implements Attended {
        @Override
        public List<Tensor> own() {
            return logs == null ? List.of(qkv) : List.of(qkv, logs);
        }
    }

    /// @param qkv rotated queries and keys, not scaled, and values, side by side,
    ///     `(N, (CG + 2C) K)`
    /// @param logs of the sums of the scores' exponentials, `(CG, N)`
    record Flash(QkNormed qkNormed, Tensor qkv, Tensor logs) implements Attended {
        @Override
        public List<Tensor> own() {
            return List.of(qkv, logs);
        }
    }

    /// @param q scaled rotated queries, `(C, N, G, K)`
    /// @param k rotated keys, `(C, N, K)`
    /// @param v values, `(C, N, K)`
    record Split(QkNormed qkNormed, Tensor q, Tensor k, Tensor v) implements Attended {
        @Override
        public Tensor logs() {
            return null;
        }

        @Override
        public List<Tensor> own() {
            return List.of(q, k, v);
        }
    }
}
