package org.attune.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// The stream on which libtorch computes; its function is looked for when a real GPU first needs
/// it. On the engine thread.
final class CudaStream {
    private static final String NAME = "aoti_torch_get_current_cuda_stream";
    private static final MemorySegment OUT = Arena.global().allocate(ValueLayout.JAVA_LONG);
    private static final MethodHandle FUNCTION = function();

    private CudaStream() {}

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

    /// That of a GPU, as CUDA's `cudaStream_t`.
    static long of(int index) {
        try {
            Libtorch.check(NAME, (int) FUNCTION.invokeExact(index, OUT.address()));
        } catch (Throwable t) {
            throw Libtorch.fault(NAME, t);
        }
        return OUT.get(ValueLayout.JAVA_LONG, 0);
    }
}
