package org.attune.model;

import org.attune.tensor.PanelMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.TokenPass;

/// A layer's weights once more, in the order that decoding reads: those of the base, which stay,
/// and those of the adapter in the columns, which are copied again after they changed.
final class DecodingWeights {
    private final TensorScope owner;
    private final PanelMatrix weight;
    private PanelMatrix reduce; // null: none, or old

    /// @param base `(out, in)`
    /// @param columns of the adapter
    /// @param memory of [PanelMatrix#numbers]
    DecodingWeights(Tensor base, int columns, Tensor memory, TensorScope owner) {
        this.owner = owner;
        weight = PanelMatrix.of(base, columns, memory);
    }

    /// Without the adapter.
    ///
    /// @param bias or null
    TokenPass.Linear plain(Tensor bias) {
        return new TokenPass.Linear(weight, bias, null);
    }

    /// With the adapter.
    ///
    /// @param reducers its first matrices
    /// @param second its second ones, `(out, R)`
    TokenPass.Linear adapted(Tensor bias, Reducers reducers, Tensor second) {
        if (reduce == null) {
            try (var _ = TensorScope.open("pack")) {
                Tensor first = reducers.matrix(); // (R, in)
                reduce = PanelMatrix.narrow(first, owner);
                weight.fillMore(second);
            }
        }
        return new TokenPass.Linear(weight, bias, reduce);
    }

    /// Says that the adapter's weights are others.
    void adapterChanged() {
        if (reduce != null) {
            reduce.close();
            reduce = null;
        }
    }

    void close() {
        adapterChanged();
        weight.close();
    }
}
