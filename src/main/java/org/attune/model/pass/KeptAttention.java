package org.attune.model.pass;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// What attention of a block made, where the rest of its activations is computed again.
///
/// @param ox attention output and adapter columns, as in [AttentionHalf.Kept]
/// @param logs as in [Attended.Joint], or null
/// @param ungated as in [AttentionHalf.Gated], or null
record KeptAttention(Tensor ox, Tensor logs, Tensor ungated) {
    /// Takes attention's part of what a forward pass saved.
    static KeptAttention of(AttentionHalf.Kept saved) {
        Tensor ungated = saved.gated() == null ? null : saved.gated().ungated();
        return new KeptAttention(saved.ox(), saved.attended().logs(), ungated);
    }

    /// Gives it to `scope`.
    void moveTo(TensorScope scope) {
        scope.adopt(ox);
        if (logs != null) {
            scope.adopt(logs);
        }
        if (ungated != null) {
            scope.adopt(ungated);
        }
    }
}
