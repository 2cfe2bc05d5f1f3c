package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// Memory for the rows or columns of a frozen matrix that a product has decoded. A model's layers
/// are computed one after the other, so they share it.
final class DecodedPanel {
    /// Numbers that are decoded at once. Fewer stay nearer to the processor, but each product of
    /// all threads begins and ends together.
    private static final long NUMBERS = 1 << 20;

    private final TensorScope owner;
    private final DType dtype;
    private Tensor memory;

    /// @param owner of the memory
    DecodedPanel(TensorScope owner, DType dtype) {
        this.owner = owner;
        this.dtype = dtype;
        try (var _ = TensorScope.open("panel")) {
            memory = owner.adopt(Tensor.empty(Device.cpu(), dtype, NUMBERS));
        }
    }

    /// How many rows or columns are decoded at once: a multiple of `step`.
    ///
    /// @param length of each
    static int most(long length, int step) {
        return Math.toIntExact(Math.max(1, NUMBERS / length / step) * step);
    }

    /// Sees to it that as many numbers fit.
    void reserve(long numbers) {
        if (numbers > memory.size()) {
            try (var _ = TensorScope.open("panel")) {
                memory.close();
                memory = owner.adopt(Tensor.empty(Device.cpu(), dtype, numbers));
            }
        }
    }

    /// A matrix in the memory, a view in the current scope.
    Tensor matrix(long rows, long columns) {
        return memory.narrow(0, 0, rows * columns).reshape(rows, columns);
    }
}
