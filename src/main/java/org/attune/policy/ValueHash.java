package org.attune.policy;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/// Tells tensors apart by the bits of their elements.
public final class ValueHash {
    private static final long PIECE = 1 << 22;

    private ValueHash() {}

    /// CRC-32C of all elements, row-major; a whole number below 2³².
    public static double of(Tensor tensor) {
        var crc = new CRC32C();
        long size = tensor.size();
        for (long start = 0; start < size; start += PIECE) {
            try (var _ = TensorScope.open("hash");
                    Arena arena = Arena.ofConfined()) {
                Tensor flat = tensor.reshape(size);
                MemorySegment bytes =
                        TensorBytes.copy(
                                flat.narrow(0, start, Math.min(PIECE, size - start)), arena);
                crc.update(bytes.asByteBuffer());
            }
        }
        return crc.getValue();
    }
}
