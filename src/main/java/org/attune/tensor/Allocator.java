package org.attune.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Tells glibc's malloc to keep freed memory. By default it returns every large block to the
/// kernel, so each big temporary of a training step would pay for its pages again.
final class Allocator {
    private static final int M_TRIM_THRESHOLD = -1;
    private static final int M_TOP_PAD = -2;
    private static final int M_MMAP_THRESHOLD = -3;
    private static final int M_ARENA_MAX = -8;
    private static final int ONE_GIB = 1 << 30;
    private static final int TOP_PAD = 64 << 20;

    private Allocator() {}

    /// Must run before the engine thread starts and before the first tensor.
    ///
    /// @return what was done, for the start-up line
    @SuppressWarnings("restricted")
    static String configure() {
        var linker = Linker.nativeLinker();
        var symbol = linker.defaultLookup().find("mallopt");
        if (symbol.isEmpty()) {
            return "system default";
        }
        MethodHandle mallopt =
                linker.downcallHandle(
                        symbol.get(),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
        try {
            // One arena: any other is limited to 64 MiB pieces, beyond which glibc maps anew
            // whatever the threshold says.
            int ok = (int) mallopt.invokeExact(M_ARENA_MAX, 1);
            ok &= (int) mallopt.invokeExact(M_MMAP_THRESHOLD, ONE_GIB);
            ok &= (int) mallopt.invokeExact(M_TRIM_THRESHOLD, Integer.MAX_VALUE);
            ok &= (int) mallopt.invokeExact(M_TOP_PAD, TOP_PAD);
            return ok == 1 ? "glibc, keeps freed memory" : "glibc, some settings refused";
        } catch (Throwable t) {
            throw new IllegalStateException("mallopt could not be called", t);
        }
    }
}
