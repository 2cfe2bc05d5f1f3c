package org.attune.files;

import org.attune.tensor.DType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;

/// Named, dense, row-major tensors in one or more files: safetensors (single or sharded) or GGUF.
/// Readers check sizes against the file's length before they touch data, so a truncated file is an
/// exception, never a crash.
public interface TensorFile extends AutoCloseable {
    /// Name → description, in file order.
    Map<String, Entry> entries();

    /// Copies one tensor's elements, little endian, in `entry.dtype()`, into memory of `arena`.
    /// Quantised GGUF tensors come out dequantised to float32.
    ///
    /// @throws org.attune.error.ModelException if the name is unknown or the file is damaged
    MemorySegment read(String name, Arena arena);

    /// Whether [#read(String, DType, MemorySegment)] can write a tensor's elements as numbers of
    /// this type.
    default boolean gives(String name, DType as) {
        Entry entry = entries().get(name);
        return entry != null && entry.dtype() == as;
    }

    /// Writes one tensor's elements into memory that the caller has.
    ///
    /// @param as a type that this file [#gives]; numbers are rounded to the nearest, ties to even
    /// @param target as many bytes as these elements have
    /// @throws org.attune.error.ModelException if the name is unknown or the file is damaged
    default void read(String name, DType as, MemorySegment target) {
        try (Arena arena = Arena.ofConfined()) {
            target.copyFrom(read(name, arena));
        }
    }

    /// A matrix as the file holds it in few bits; empty where its numbers are dense.
    default Optional<FewBits> bits(String name) {
        return Optional.empty();
    }

    @Override
    void close();

    /// @param name  as Hugging Face spells it, e.g. `model.layers.0.self_attn.q_proj.weight`
    /// @param dtype type of what `read` gives
    /// @param shape row-major, outermost first
    record Entry(String name, DType dtype, long[] shape) {
        /// Number of elements.
        public long count() {
            long n = 1;
            for (long d : shape) {
                n *= d;
            }
            return n;
        }

        /// Bytes that `read` gives.
        public long bytes() {
            return count() * dtype.bytes();
        }
    }
}
