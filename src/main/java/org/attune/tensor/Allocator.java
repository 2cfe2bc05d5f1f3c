package org.attune.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Tells glibc's malloc to keep freed memory. By default it returns every large block to the
/// kernel, so each big temporary of a training step would pay for its pages again.
final class Allocator {
    private static final int M_MXFAST = 1;
    private static final int M_TRIM_THRESHOLD = -1;
    private static final int M_TOP_PAD = -2;
    private static final int M_MMAP_THRESHOLD = -3;
    static final int ONE_GIB = 1 << 30;
    private static final int TOP_PAD = 64 << 20;

    private static final int PROBE_BYTES = 1000;
    private static final long IN_OTHER_ARENA = 4; // bit of the word before a block

    private static final Optional<MethodHandle> MALLOPT = mallopt();

    private Allocator() {}

    /// Whether the calling thread's small blocks come from the main arena, which alone can grow
    /// without bound; any other hands out at most 64 MiB and maps what is larger anew each time.
    /// The answer is "yes" where malloc isn't glibc's.
    @SuppressWarnings("restricted")
    static boolean isInMainArena() {
        var linker = Linker.nativeLinker();
        if (linker.defaultLookup().find("mallopt").isEmpty()) {
            return true;
        }
        var pointer = ValueLayout.JAVA_LONG;
        MethodHandle malloc =
                linker.downcallHandle(
                        linker.defaultLookup().find("malloc").orElseThrow(),
                        FunctionDescriptor.of(pointer, pointer));
        MethodHandle free =
                linker.downcallHandle(
                        linker.defaultLookup().find("free").orElseThrow(),
                        FunctionDescriptor.ofVoid(pointer));
        try {
            long block = (long) malloc.invokeExact((long) PROBE_BYTES);
            long header = MemorySegment.ofAddress(block - 8).reinterpret(8).get(pointer, 0);
            free.invokeExact(block);
            return (header & IN_OTHER_ARENA) == 0;
        } catch (Throwable t) {
            throw new IllegalStateException("malloc could not be called", t);
        }
    }

    /// Gives the pages of freed memory back to the kernel, and keeps the addresses. Does nothing
    /// where malloc isn't glibc's.
    @SuppressWarnings("restricted")
    static void trim() {
        var linker = Linker.nativeLinker();
        var symbol = linker.defaultLookup().find("malloc_trim");
        if (symbol.isEmpty()) {
            return;
        }
        MethodHandle trim =
                linker.downcallHandle(
                        symbol.get(),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
        try {
            int _ = (int) trim.invokeExact(0L);
        } catch (Throwable t) {
            throw new IllegalStateException("malloc_trim could not be called", t);
        }
    }

    @SuppressWarnings("restricted")
    private static Optional<MethodHandle> mallopt() {
        var number = ValueLayout.JAVA_INT;
        var linker = Linker.nativeLinker();
        return linker.defaultLookup()
                .find("mallopt")
                .map(
                        symbol ->
                                linker.downcallHandle(
                                        symbol, FunctionDescriptor.of(number, number, number)));
    }

    /// From which size on blocks get their own pages, which go back to the kernel with them.
    static void mapFrom(int bytes) {
        set(M_MMAP_THRESHOLD, bytes);
    }

    /// Whether memory is kept ready for blocks to come, which those of any size take first.
    static void keepRoom(boolean room) {
        if (!room) {
            trim();
        }
        set(M_TOP_PAD, room ? TOP_PAD : 0);
    }

    private static void set(int what, int value) {
        if (MALLOPT.isPresent()) {
            try {
                int _ = (int) MALLOPT.get().invokeExact(what, value);
            } catch (Throwable t) {
                throw new IllegalStateException("mallopt could not be called", t);
            }
        }
    }

    /// Must run before the engine thread starts and before the first tensor.
    ///
    /// @return what was done, for the start-up line
    static String configure() {
        if (MALLOPT.isEmpty()) {
            return "system default";
        }
        MethodHandle mallopt = MALLOPT.get();
        try {
            int ok = (int) mallopt.invokeExact(M_MMAP_THRESHOLD, ONE_GIB);
            ok &= (int) mallopt.invokeExact(M_TRIM_THRESHOLD, Integer.MAX_VALUE);
            ok &= (int) mallopt.invokeExact(M_TOP_PAD, TOP_PAD);
            // Freed small pieces join their neighbours at once: one between two large blocks that
            // stays apart makes the hole too small for the next aligned block.
            ok &= (int) mallopt.invokeExact(M_MXFAST, 0);
            return ok == 1 ? "glibc, keeps freed memory" : "glibc, some settings refused";
        } catch (Throwable t) {
            throw new IllegalStateException("mallopt could not be called", t);
        }
    }
}
