package org.attune.policy;

import org.attune.error.CheckpointException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// Tensors that a training run keeps beside its model, in a checkpoint's file and back.
///
/// @param owner what they are the state of, for messages, as "the optimizer"
/// @param other what a wrong file is of another of, as "model or optimizer"
public record StateTensors(String owner, String other) {
    /// A tensor to write, as it is when the file is written. On a CPU its memory is not copied.
    public static Source source(String name, Tensor tensor) {
        return new Source(name, tensor.dtype(), tensor.shape(), arena -> memory(tensor, arena));
    }

    /// A tensor to write whose numbers stand in several vectors, written one behind the other.
    ///
    /// @param parts float32 vectors
    public static Source source(String name, List<Tensor> parts) {
        if (parts.size() == 1) {
            return source(name, parts.getFirst());
        }
        long count = parts.stream().mapToLong(Tensor::size).sum();
        return new Source(
                name,
                DType.FLOAT32,
                new long[] {count},
                arena -> {
                    MemorySegment all = arena.allocate(count * Float.BYTES, Long.BYTES);
                    long at = 0;
                    for (Tensor part : parts) {
                        MemorySegment own = memory(part, arena);
                        MemorySegment.copy(own, 0, all, at, own.byteSize());
                        at += own.byteSize();
                    }
                    return all;
                });
    }

    private static MemorySegment memory(Tensor tensor, Arena arena) {
        if (tensor.device().equals(Device.cpu())) {
            return tensor.memory();
        }
        MemorySegment copy = arena.allocate(tensor.size() * tensor.dtype().bytes(), Long.BYTES);
        try (var _ = TensorScope.open("state")) {
            Tensor host = Tensor.empty(Device.cpu(), tensor.dtype(), tensor.shape());
            copy.copyFrom(host.copyInPlace(tensor).memory());
        }
        return copy;
    }

    /// Reads a tensor of a file into `target`, which says format and shape.
    ///
    /// @throws CheckpointException if the file has no such tensor
    public void load(TensorFile file, String name, Tensor target) {
        require(file, name, target.dtype(), target.shape());
        try (Arena arena = Arena.ofConfined();
                var _ = TensorScope.open("state")) {
            target.copyInPlace(
                    Tensor.ofMemory(
                            Device.cpu(), target.dtype(), file.read(name, arena), target.shape()));
        }
    }

    /// @throws CheckpointException if the file has no such tensor
    public void require(TensorFile file, String name, DType dtype, long... shape) {
        TensorFile.Entry entry = file.entries().get(name);
        if (entry == null || entry.dtype() != dtype || !Arrays.equals(entry.shape(), shape)) {
            throw new CheckpointException(
                    "%s's state has no %s tensor \"%s\" of shape %s, but %s; it is of another %s"
                            .formatted(
                                    owner,
                                    dtype.name().toLowerCase(Locale.ROOT),
                                    name,
                                    Arrays.toString(shape),
                                    describe(entry),
                                    other));
        }
    }

    private static String describe(TensorFile.Entry entry) {
        return entry == null ? "none" : entry.dtype() + " " + Arrays.toString(entry.shape());
    }
}
