package org.attune.tensor.vector;

/// Keys and values of one block in native memory, `(S, C, 2, L, K)`: of each slot and head the
/// keys, then the values.
///
/// @param address of the first key
/// @param half whether numbers are bfloat16; else they are float32
/// @param kvHeads `C`
/// @param capacity `L`
/// @param headDim `K`
public record CacheRows(long address, boolean half, int kvHeads, int capacity, int headDim) {
    /// Bytes of a key.
    long rowBytes() {
        return (long) headDim * (half ? Short.BYTES : Float.BYTES);
    }

    /// First key of a slot's head.
    long keys(int slot, int head) {
        return address + 2L * ((long) slot * kvHeads + head) * capacity * rowBytes();
    }

    /// First value of a slot's head.
    long values(int slot, int head) {
        return keys(slot, head) + capacity * rowBytes();
    }
}
