package org.attune.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Pages of the processor's memory.
public final class Pages {
    private static final long BYTES =
            CLibrary.number(
                    CLibrary.function("getpagesize", FunctionDescriptor.of(ValueLayout.JAVA_INT)));

    private Pages() {}

    /// Bytes of one: 4096, or up to 65536 on ARM.
    public static long bytes() {
        return BYTES;
    }

    /// Bytes of a piece of memory before its first whole page.
    public static long skipped(MemorySegment piece) {
        return Math.floorMod(-piece.address(), BYTES);
    }

    /// The whole pages within a piece of memory, which may be none.
    public static MemorySegment whole(MemorySegment piece) {
        long skipped = Math.min(skipped(piece), piece.byteSize());
        return piece.asSlice(skipped, (piece.byteSize() - skipped) / BYTES * BYTES);
    }
}
