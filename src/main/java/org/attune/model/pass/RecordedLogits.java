package org.attune.model.pass;

import org.attune.tensor.RowMemory;
import org.attune.tensor.Tensor;

import java.util.Arrays;

/// Logits that were computed before, of a pass's targets.
///
/// @param all `(n, V)`, in the compute dtype; they stay until the weights change
/// @param rows of each target
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record RecordedLogits(Tensor all, int[] rows) {
    /// A copy of the logits of the targets `from … from + n`, `(n, V)`, in the current scope.
    public Tensor rows(int from, int n) {
        Tensor some = Tensor.empty(all.device(), all.dtype(), n, all.size(1));
        RowMemory.gather(all, Arrays.copyOfRange(rows, from, from + n), some);
        return some;
    }
}
