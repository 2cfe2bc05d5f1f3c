package org.attune.model.pass;

import org.attune.tensor.Tensor;

import java.util.Optional;

/// A forward pass that was made before, from which a backward pass can start. It holds as long as
/// the weights stay as they are. On the engine thread.
public interface PassRecord {
    /// The recorded rows of all tokens of a layout, if every path through it was recorded.
    Optional<int[]> rows(Layout layout);

    /// Output of the last block of some rows, `(N, D)`, in the current scope.
    Tensor hidden(int[] rows);

    /// What is kept of some rows of a block, in the current scope.
    KeptRows kept(int layer, int[] rows);

    /// Logits of some rows, if those of all are recorded.
    Optional<RecordedLogits> logits(int[] rows);

    /// Forgets what was recorded: the weights have changed, or will be others.
    void forget();
}
