package org.attune.tensor;

import java.util.Locale;

/// What the memory of a GPU holds.
///
/// @param total bytes of the GPU
/// @param free bytes that nobody uses, by its driver
/// @param live bytes in tensors of this process
/// @param kept bytes that this process keeps of freed tensors, for the next ones
public record DeviceMemory(long total, long free, long live, long kept) {
    private static final double GIB = 1L << 30;

    /// Bytes that further tensors may take.
    public long available() {
        return free + kept;
    }

    /// Bytes that this process takes with its tensors, freed ones included.
    public long taken() {
        return live + kept;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%.2f of its %.2f GiB are free, %.2f in tensors, %.2f kept for the next ones, %.2f"
                        + " others'",
                free / GIB,
                total / GIB,
                live / GIB,
                kept / GIB,
                Math.max(0, total - free - live - kept) / GIB);
    }
}
