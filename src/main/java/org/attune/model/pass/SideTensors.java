package org.attune.model.pass;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// What blocks of one pass give to later blocks beside the residual stream, and the gradients that
/// come back. A block's backward pass comes after those of all blocks that read what it gave.
final class SideTensors {
    private final Map<Key, Tensor> values = new HashMap<>();
    private final Map<Key, Tensor> gradients = new HashMap<>();
    private final TensorScope scope;

    /// What is given.
    enum Kind {
        /// Keys of a layer, `(N, C, K)`.
        KEYS,
        /// Values of a layer, `(N, C, K)`.
        VALUES,
        /// The vectors that a layer reads, `(N, P)`.
        VECTORS
    }

    /// @param layer which gives keys or values, or reads vectors
    record Key(Kind kind, int layer) {}

    /// @param scope owns what is kept
    SideTensors(TensorScope scope) {
        this.scope = scope;
    }

    /// Gives a tensor of the forward pass, of which a copy is kept.
    void give(Key key, Tensor value) {
        values.put(key, scope.adopt(value.copy()));
    }

    /// What was given.
    Tensor value(Key key) {
        return values.get(key);
    }

    /// Adds to the gradient of what was given.
    void addGradient(Key key, Tensor gradient) {
        Tensor sum = gradients.get(key);
        if (sum == null) {
            gradients.put(key, scope.adopt(gradient.to(DType.FLOAT32).copy()));
        } else {
            sum.addInPlace(gradient.to(DType.FLOAT32));
        }
    }

    /// The gradient of what was given, if somebody read it.
    Optional<Tensor> gradient(Key key) {
        return Optional.ofNullable(gradients.get(key));
    }
}
