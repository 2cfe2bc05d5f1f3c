package org.attune.model.layer;

import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Optional;

/// The columns of an adapter on layers that read the same input: `B` of shape `(out, R)`, `R > 0`.
final class AdapterColumns {
    private final TensorScope owner;
    private final Tensor matrix;
    private Optional<PackedMatrix> transposed = Optional.empty(); // Bᵀ; empty before it is needed
    private boolean transposedIsOld;

    /// @param matrix is this one's
    AdapterColumns(TensorScope owner, Tensor matrix) {
        this.owner = owner;
        this.matrix = owner.adopt(matrix);
    }

    /// Zeros, none where `R = 0`.
    static Optional<AdapterColumns> zeros(WeightState.Form form, int count) {
        return count == 0
                ? Optional.empty()
                : Optional.of(new AdapterColumns(form.owner(), form.zeros(count)));
    }

    Tensor matrix() {
        return matrix;
    }

    /// `R`.
    int count() {
        return Math.toIntExact(matrix.size(1));
    }

    /// Says that other numbers were written.
    void changed() {
        transposedIsOld = true;
    }

    /// `dy B`, by a copy in the layout that products like best.
    Tensor packedProduct(Tensor dy) {
        if (transposed.isEmpty()) {
            transposed = Optional.of(PackedMatrix.of(matrix.t(), owner));
        } else if (transposedIsOld) {
            transposed.get().replace(matrix.t());
        }
        transposedIsOld = false;
        return transposed.get().multiply(dy);
    }

    /// Moves the numbers to separate memory; this one is closed.
    AdapterColumns apart() {
        try (var _ = TensorScope.open("pack")) {
            var own = new AdapterColumns(owner, matrix.contiguous());
            close();
            return own;
        }
    }

    void close() {
        transposed.ifPresent(PackedMatrix::close);
        matrix.close();
    }
}
