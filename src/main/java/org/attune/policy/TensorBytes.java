package org.attune.policy;

import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/// Copies of tensors' elements on the host, for writing files.
final class TensorBytes {
    private TensorBytes() {}

    /// A tensor to write.
    ///
    /// @param value computed when the file is written; what it makes is freed right after
    static SafeTensorsWriter.Source source(
            String name, DType dtype, long[] shape, Supplier<Tensor> value) {
        return new SafeTensorsWriter.Source(
                name,
                dtype,
                shape,
                arena -> {
                    try (var _ = TensorScope.open("save")) {
                        return copy(value.get().to(dtype), arena);
                    }
                });
    }

    /// A matrix whose file holds rows and columns the other way round.
    ///
    /// @param shape of `value`
    static SafeTensorsWriter.Source transposed(
            String name, DType dtype, long[] shape, Supplier<Tensor> value) {
        return source(name, dtype, new long[] {shape[1], shape[0]}, () -> value.get().t());
    }

    /// The elements of `tensor`, row-major, in memory of `arena`.
    static MemorySegment copy(Tensor tensor, Arena arena) {
        if (tensor.size() == 0) {
            return arena.allocate(0); // tensors without elements have no memory
        }
        try (var _ = TensorScope.open("bytes")) {
            Tensor host = tensor.contiguous();
            if (!tensor.device().equals(Device.cpu())) {
                host =
                        Tensor.empty(Device.cpu(), tensor.dtype(), tensor.shape())
                                .copyInPlace(tensor);
            }
            MemorySegment memory = host.memory();
            return arena.allocate(Math.max(1, memory.byteSize()), 8)
                    .asSlice(0, memory.byteSize())
                    .copyFrom(memory);
        }
    }
}
