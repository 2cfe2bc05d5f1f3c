package org.attune.tensor;

import org.attune.tensor.vector.KernelThreads;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Optional;

/// The threads with which libtorch computes, for kernels written in Java: GNU OpenMP calls back
/// from each of them. They are awake anyway, so sharing a loop takes microseconds.
final class OpenMpThreads implements KernelThreads.Starter {
    private static volatile Runnable current;

    private final MethodHandle parallel;
    private final MethodHandle count;
    private final MemorySegment callback;

    @SuppressWarnings("restricted")
    private OpenMpThreads(MemorySegment function, MemorySegment counter) {
        var linker = Linker.nativeLinker();
        parallel =
                linker.downcallHandle(
                        function,
                        FunctionDescriptor.ofVoid(
                                ValueLayout.ADDRESS,
                                ValueLayout.ADDRESS,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT));
        count = linker.downcallHandle(counter, FunctionDescriptor.of(ValueLayout.JAVA_INT));
        try {
            MethodHandle work =
                    MethodHandles.lookup()
                            .findStatic(
                                    OpenMpThreads.class,
                                    "work",
                                    MethodType.methodType(void.class, MemorySegment.class));
            callback =
                    linker.upcallStub(
                            work, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS), Arena.global());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /// The threads of GNU OpenMP, if libtorch brings it.
    static Optional<OpenMpThreads> find() {
        return Libtorch.find("GOMP_parallel")
                .flatMap(
                        parallel ->
                                Libtorch.find("omp_get_num_threads")
                                        .map(count -> new OpenMpThreads(parallel, count)));
    }

    @SuppressWarnings("unused") // called by OpenMP
    private static void work(MemorySegment ignored) {
        current.run();
    }

    @Override
    public void start(int threads, Runnable work) {
        current = work;
        try {
            parallel.invokeExact(callback, MemorySegment.NULL, threads, 0);
        } catch (Throwable t) {
            throw new IllegalStateException("calling GOMP_parallel failed", t);
        } finally {
            current = null;
        }
    }

    @Override
    public int count() {
        try {
            return (int) count.invokeExact();
        } catch (Throwable t) {
            throw new IllegalStateException("calling omp_get_num_threads failed", t);
        }
    }
}
