package org.attune.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Pages of the processor's memory.
public final class Pages {
    private static final long BYTES =
            CLibrary.number(
                    CLibrary.function("getpagesize", FunctionDescriptor.of(ValueLayout.JAVA_INT)));

    private static final int PROT_NONE = 0;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;

    /// Looked up at the first use.
    private static final class C {
        private static final FunctionDescriptor RANGE =
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT);
        static final MethodHandle ADVISE = CLibrary.function("madvise", RANGE);
        static final MethodHandle PROTECT = CLibrary.function("mprotect", RANGE);

        private C() {}
    }

    private Pages() {}

    /// Tells the system how a range is used.
    ///
    /// @param advice Linux's number of it
    /// @return whether it took the advice
    static boolean advise(long address, long bytes, int advice) {
        return CLibrary.number(C.ADVISE, address, bytes, advice) == 0;
    }

    /// Says whether pages may be read and written.
    ///
    /// @return whether the system took it
    static boolean allow(MemorySegment pages, boolean use) {
        int rights = use ? PROT_READ | PROT_WRITE : PROT_NONE;
        return CLibrary.number(C.PROTECT, pages.address(), pages.byteSize(), rights) == 0;
    }

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
