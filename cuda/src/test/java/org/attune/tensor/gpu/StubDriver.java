package org.attune.tensor.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// CUDA's driver in Java: it notes its calls.
@SuppressWarnings("restricted")
final class StubDriver {
    static final long CONTEXT = 11;
    static final long MODULE = 22;
    static final long STREAM = 44;
    private static final long KERNEL = 33;
    private static final long GRAPH = 55;
    private static final long INSTANCE = 66;
    private static final int ERROR = 999;
    private static final int CODE_BYTES = 4;
    private static final int ARGUMENTS = 6;

    private final Map<String, MemorySegment> functions = new HashMap<>();
    private final List<String> calls = new ArrayList<>();
    private final MemorySegment errorName = Arena.global().allocateFrom("CUDA_ERROR_STUB");
    private long context;
    private boolean refuses;

    StubDriver() {
        for (var method : StubDriver.class.getDeclaredMethods()) {
            if (method.getName().startsWith("cu")) {
                functions.put(method.getName(), upcall(method));
            }
        }
    }

    private MemorySegment upcall(java.lang.reflect.Method method) {
        MemoryLayout[] layouts =
                Arrays.stream(method.getParameterTypes())
                        .map(t -> t == int.class ? ValueLayout.JAVA_INT : ValueLayout.JAVA_LONG)
                        .toArray(MemoryLayout[]::new);
        try {
            return Linker.nativeLinker()
                    .upcallStub(
                            MethodHandles.lookup().unreflect(method).bindTo(this),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts),
                            Arena.global());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    SymbolLookup library() {
        return name -> Optional.ofNullable(functions.get(name));
    }

    List<String> calls() {
        return calls;
    }

    long context() {
        return context;
    }

    void setContext(long other) {
        context = other;
    }

    void remove(String function) {
        functions.remove(function);
    }

    void refuseLaunches() {
        refuses = true;
    }

    private static MemorySegment at(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    private static int give(long out, long value) {
        at(out, Long.BYTES).set(ValueLayout.JAVA_LONG, 0, value);
        return 0;
    }

    private int note(String call) {
        calls.add(call);
        return 0;
    }

    int cuInit(int flags) {
        return note("cuInit") + flags;
    }

    int cuGetErrorName(int error, long out) {
        return give(out, error == ERROR ? errorName.address() : 0);
    }

    int cuDeviceGet(long out, int index) {
        at(out, Integer.BYTES).set(ValueLayout.JAVA_INT, 0, index);
        return note("cuDeviceGet " + index);
    }

    int cuDeviceGetAttribute(long out, int attribute, int device) {
        at(out, Integer.BYTES).set(ValueLayout.JAVA_INT, 0, attribute == 75 ? 9 : 0);
        return 0;
    }

    int cuDevicePrimaryCtxRetain(long out, int device) {
        return note("cuDevicePrimaryCtxRetain " + device) + give(out, CONTEXT);
    }

    int cuCtxGetCurrent(long out) {
        return give(out, context);
    }

    int cuCtxSetCurrent(long to) {
        context = to;
        return note("cuCtxSetCurrent " + to);
    }

    int cuModuleLoadData(long out, long image) {
        byte[] code = at(image, CODE_BYTES).toArray(ValueLayout.JAVA_BYTE);
        return note("cuModuleLoadData " + Arrays.toString(code)) + give(out, MODULE);
    }

    int cuModuleGetFunction(long out, long module, long name) {
        String text = at(name, Long.MAX_VALUE).getString(0);
        return note("cuModuleGetFunction " + module + " " + text) + give(out, KERNEL);
    }

    int cuStreamCreate(long out, int flags) {
        return note("cuStreamCreate " + flags) + give(out, STREAM);
    }

    int cuStreamBeginCapture_v2(long stream, int mode) {
        return note("cuStreamBeginCapture %d %d".formatted(stream, mode));
    }

    int cuStreamEndCapture(long stream, long out) {
        note("cuStreamEndCapture " + stream);
        give(out, refuses ? 0 : GRAPH);
        return refuses ? ERROR : 0;
    }

    int cuGraphInstantiateWithFlags(long out, long graph, long flags) {
        return note("cuGraphInstantiate %d %d".formatted(graph, flags)) + give(out, INSTANCE);
    }

    int cuGraphDestroy(long graph) {
        return note("cuGraphDestroy " + graph);
    }

    int cuGraphExecDestroy(long instance) {
        return note("cuGraphExecDestroy " + instance);
    }

    int cuGraphLaunch(long instance, long stream) {
        return note("cuGraphLaunch %d %d".formatted(instance, stream));
    }

    int cuLaunchKernel(
            long kernel,
            int blocks,
            int blocksY,
            int blocksZ,
            int threads,
            int threadsY,
            int threadsZ,
            int shared,
            long stream,
            long parameters,
            long extra) {
        if (refuses) {
            return ERROR;
        }
        boolean plain = kernel == KERNEL && shared == 0 && extra == 0;
        if (!plain || blocksY * blocksZ * threadsY * threadsZ != 1) {
            return 1;
        }
        long[] arguments = new long[ARGUMENTS];
        for (int i = 0; i < ARGUMENTS; i++) {
            long place = at(parameters, 8L * ARGUMENTS).getAtIndex(ValueLayout.JAVA_LONG, i);
            arguments[i] = at(place, Long.BYTES).get(ValueLayout.JAVA_LONG, 0);
        }
        return note(
                "cuLaunchKernel %d %d %d %s"
                        .formatted(blocks, threads, stream, Arrays.toString(arguments)));
    }
}
