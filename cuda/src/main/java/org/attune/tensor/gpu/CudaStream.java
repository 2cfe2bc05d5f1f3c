package org.attune.tensor.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// The stream on which libtorch computes; its function is looked for when a real GPU first needs
/// it. On the engine thread.
///
/// @param index of the GPU
@SuppressWarnings("restricted")
record CudaStream(int index) implements LibtorchStream {
    private static final String NAME = "aoti_torch_get_current_cuda_stream";
    private static final MemorySegment OUT = Arena.global().allocate(ValueLayout.JAVA_LONG);
    private static final MethodHandle FUNCTION = function();

    private static final String BEGIN = "aoti_torch_create_cuda_stream_guard";
    private static final String END = "aoti_torch_delete_cuda_stream_guard";

    /// Begins and ends of using another stream, looked for when a graph is first wanted.
    private static final class Guards {
        private static final MethodHandle BEGINS =
                optional(
                        BEGIN,
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_LONG,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_LONG));
        private static final MethodHandle ENDS =
                optional(END, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));

        private Guards() {}
    }

    @Override
    public void requireUse() {
        if (Guards.BEGINS == null || Guards.ENDS == null) {
            throw new IllegalStateException("libtorch has no " + BEGIN + " or no " + END);
        }
    }

    @Override
    public Use use(long stream) {
        requireUse();
        long guard;
        try {
            int rc = (int) Guards.BEGINS.invokeExact(stream, index, OUT.address());
            check(BEGIN, rc);
            guard = OUT.get(ValueLayout.JAVA_LONG, 0);
        } catch (Throwable t) {
            throw fault(BEGIN, t);
        }
        return () -> end(guard);
    }

    private static void end(long guard) {
        try {
            check(END, (int) Guards.ENDS.invokeExact(guard));
        } catch (Throwable t) {
            throw fault(END, t);
        }
    }

    /// A function of libtorch's; null if it has none of that name.
    private static MethodHandle optional(String name, FunctionDescriptor type) {
        return SymbolLookup.loaderLookup()
                .find(name)
                .map(found -> Linker.nativeLinker().downcallHandle(found, type))
                .orElse(null);
    }

    private static void check(String function, int code) {
        if (code != 0) {
            throw new IllegalStateException("libtorch's " + function + " failed");
        }
    }

    private static RuntimeException fault(String function, Throwable t) {
        return t instanceof RuntimeException r
                ? r
                : new IllegalStateException("calling libtorch's " + function + " failed", t);
    }

    private static MethodHandle function() {
        MethodHandle function =
                optional(
                        NAME,
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
        if (function == null) {
            throw new IllegalStateException("libtorch has no " + NAME);
        }
        return function;
    }

    @Override
    public long current() {
        try {
            check(NAME, (int) FUNCTION.invokeExact(index, OUT.address()));
        } catch (Throwable t) {
            throw fault(NAME, t);
        }
        return OUT.get(ValueLayout.JAVA_LONG, 0);
    }
}
