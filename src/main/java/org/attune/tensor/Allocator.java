package org.attune.tensor;

import java.lang.foreign.Arena;
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

    /// Keeps libtorch from printing a native stack trace for every refused call: the Java exception
    /// says what was wrong. Must run before libtorch is loaded; a value set by the user stays.
    @SuppressWarnings("restricted")
    static void quietNativeLog() {
        var linker = Linker.nativeLinker();
        var symbol = linker.defaultLookup().find("setenv");
        if (symbol.isEmpty()) {
            return;
        }
        MethodHandle setenv =
                linker.downcallHandle(
                        symbol.get(),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT,
                                ValueLayout.ADDRESS,
                                ValueLayout.ADDRESS,
                                ValueLayout.JAVA_INT));
        try (Arena arena = Arena.ofConfined()) {
            int rc =
                    (int)
                            setenv.invokeExact(
                                    arena.allocateFrom("TORCH_CPP_LOG_LEVEL"),
                                    arena.allocateFrom("FATAL"),
                                    0);
            if (rc != 0) {
                throw new IllegalStateException("setenv failed");
            }
        } catch (Throwable t) {
            throw new IllegalStateException("setenv could not be called", t);
        }
    }

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
