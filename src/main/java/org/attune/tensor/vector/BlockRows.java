package org.attune.tensor.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Rows of blocks that a decoder knows, as GGUF files have them.
///
/// @param blocks row by row
/// @param in columns, a multiple of `block`
/// @param block numbers of a block
/// @param blockBytes bytes of a block
public record BlockRows(MemorySegment blocks, int in, int block, int blockBytes, Decoder decoder)
        implements CodedRows {
    /// Numbers that a thread decodes at once.
    private static final int AT_ONCE = 1 << 12;

    /// Buffers of a thread, since decoders take arrays.
    private static final ThreadLocal<float[]> NUMBERS =
            ThreadLocal.withInitial(() -> new float[AT_ONCE]);

    private static final ThreadLocal<byte[]> BYTES =
            ThreadLocal.withInitial(() -> new byte[Float.BYTES * AT_ONCE]);

    /// Turns blocks into float32 numbers.
    @FunctionalInterface
    public interface Decoder {
        /// @param source blocks, one after the other
        /// @param target receives all of their numbers
        /// @param blocks how many
        void decode(byte[] source, float[] target, int blocks);
    }

    @Override
    public int step() {
        return block;
    }

    @Override
    public void decode(int row, int column, int count, Target to) {
        float[] numbers = NUMBERS.get();
        byte[] bytes = BYTES.get();
        int most = AT_ONCE / block;
        int all = (count + block - 1) / block;
        for (int first = 0; first < all; first += most) {
            int some = Math.min(most, all - first);
            long from = ((long) row * in + column) / block + first;
            MemorySegment.copy(
                    blocks, ValueLayout.JAVA_BYTE, from * blockBytes, bytes, 0, some * blockBytes);
            decoder.decode(bytes, numbers, some);
            int begin = first * block;
            to.skip(begin).put(numbers, Math.min(some * block, count - begin));
        }
    }
}
