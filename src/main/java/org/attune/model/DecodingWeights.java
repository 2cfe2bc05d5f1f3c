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
    DecodingWeights(Tensor base, int columns, TensorScope owner) {
        this.owner = owner;
        weight = PanelMatrix.of(base, columns, owner);
    }

    /// Without the adapter.
    ///
    /// @param bias or null
    TokenPass.Linear plain(Tensor bias) {
        return new TokenPass.Linear(weight, bias, null);
    }

    /// With the adapter, which was copied.
    TokenPass.Linear adapted(Tensor bias) {
        return new TokenPass.Linear(weight, bias, reduce);
    }

    /// Whether the adapter was copied since it changed.
    boolean hasAdapter() {
        return reduce != null;
    }

    /// @param reducers its first matrices, `(R, in)`
    /// @param columns its second ones, `(out, R)`
    void copyAdapter(Tensor reducers, Tensor columns) {
        reduce = PanelMatrix.narrow(reducers, owner);
        weight.fillMore(columns);
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
