package org.attune.tensor;

import org.attune.tensor.gpu.LibtorchStream;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// The stream on which libtorch computes; its function is looked for when a real GPU first needs
/// it. On the engine thread.
///
/// @param index of the GPU
record CudaStream(int index) implements LibtorchStream {
    private static final String NAME = "aoti_torch_get_current_cuda_stream";
    private static final MemorySegment OUT = Arena.global().allocate(ValueLayout.JAVA_LONG);
    private static final MethodHandle FUNCTION = function();

    private static final String BEGIN = "aoti_torch_create_cuda_stream_guard";
    private static final String END = "aoti_torch_delete_cuda_stream_guard";

    /// Begins and ends of using another stream, looked for when a graph is first wanted.
    private static final class Guards {
        private static final MethodHandle BEGINS =
                Libtorch.optional(
                        BEGIN,
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_LONG,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_LONG));
        private static final MethodHandle ENDS =
                Libtorch.optional(
                        END, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));

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
            Libtorch.check(BEGIN, rc);
            guard = OUT.get(ValueLayout.JAVA_LONG, 0);
        } catch (Throwable t) {
            throw Libtorch.fault(BEGIN, t);
        }
        return () -> end(guard);
    }

    private static void end(long guard) {
        try {
            Libtorch.check(END, (int) Guards.ENDS.invokeExact(guard));
        } catch (Throwable t) {
            throw Libtorch.fault(END, t);
        }
    }

    private static MethodHandle function() {
        MethodHandle function =
                Libtorch.optional(
                        NAME,
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
        if (function == null) {
            throw Libtorch.lacks(NAME);
        }
        return function;
    }

    @Override
    public long current() {
        try {
            Libtorch.check(NAME, (int) FUNCTION.invokeExact(index, OUT.address()));
        } catch (Throwable t) {
            throw Libtorch.fault(NAME, t);
        }
        return OUT.get(ValueLayout.JAVA_LONG, 0);
    }
}
