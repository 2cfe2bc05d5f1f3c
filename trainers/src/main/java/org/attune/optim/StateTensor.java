package org.attune.optim;

import org.attune.tensor.DType;

/// A flat tensor of an optimizer's state.
///
/// @param name in the state's file; PyTorch's where it has one
/// @param size how many numbers
public record StateTensor(String name, DType dtype, long size) {
    /// Bytes of the numbers.
    public long bytes() {
        return size * dtype.bytes();
    }
}
