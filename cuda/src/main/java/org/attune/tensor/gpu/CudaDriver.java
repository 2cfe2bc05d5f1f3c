package org.attune.tensor.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// CUDA's driver, `libcuda.so.1`, as far as kernels and graphs need it. Handles are addresses.
@SuppressWarnings("restricted")
final class CudaDriver {
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;
    private static final int LAUNCH_ARGUMENTS = 11;

    private final SymbolLookup library;
    private final MemorySegment out = Arena.global().allocate(L);
    private final MethodHandle errorName;
    private final MethodHandle launch;
    private final MethodHandle currentContext;
    private final MethodHandle setContext;
    private MethodHandle launchGraph; // null before the first graph

    /// @param library the driver's functions by name
    /// @throws IllegalStateException if it lacks one
    CudaDriver(SymbolLookup library) {
        this.library = library;
        errorName = function("cuGetErrorName", I, L);
        var arguments = new MemoryLayout[LAUNCH_ARGUMENTS];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = i >= 1 && i <= 7 ? I : L;
        }
        launch = function("cuLaunchKernel", arguments);
        currentContext = function("cuCtxGetCurrent", L);
        setContext = function("cuCtxSetCurrent", L);
        check("cuInit", call("cuInit", I, 0));
    }

    /// That of this machine.
    ///
    /// @throws IllegalArgumentException if there is none
    static CudaDriver ofMachine() {
        return new CudaDriver(SymbolLookup.libraryLookup("libcuda.so.1", Arena.global()));
    }

    private MethodHandle function(String name, MemoryLayout... arguments) {
        MemorySegment symbol =
                library.find(name)
                        .orElseThrow(
                                () -> new IllegalStateException("CUDA's driver lacks " + name));
        return Linker.nativeLinker().downcallHandle(symbol, FunctionDescriptor.of(I, arguments));
    }

    private int call(String name, MemoryLayout kind, Object... arguments) {
        var layouts = new MemoryLayout[arguments.length];
        for (int i = 0; i < layouts.length; i++) {
            layouts[i] = arguments[i] instanceof Integer ? I : kind;
        }
        MethodHandle function = function(name, layouts);
        try {
            return (int) function.invokeWithArguments(arguments);
        } catch (Throwable t) {
            throw fault(name, t);
        }
    }

    private static IllegalStateException fault(String name, Throwable t) {
        return new IllegalStateException(name + " can't be called", t);
    }

    /// Calls what writes a handle or a number to its first argument.
    ///
    /// @param more arguments behind that, `Long` or `Integer`
    private long made(String name, Object... more) {
        Object[] arguments = new Object[more.length + 1];
        System.arraycopy(more, 0, arguments, 1, more.length);
        arguments[0] = out.address();
        out.set(L, 0, 0);
        check(name, call(name, L, arguments));
        return out.get(L, 0);
    }

    private void check(String name, int error) {
        if (error != 0) {
            throw new IllegalStateException("%s failed: %s".formatted(name, describe(error)));
        }
    }

    private String describe(int error) {
        out.set(L, 0, 0);
        try {
            int _ = (int) errorName.invokeExact(error, out.address());
        } catch (Throwable t) {
            throw fault("cuGetErrorName", t);
        }
        long text = out.get(L, 0);
        return text == 0
                ? "error " + error
                : MemorySegment.ofAddress(text).reinterpret(Long.MAX_VALUE).getString(0);
    }

    /// A GPU's compute capability as NVRTC calls it, e.g. `sm_90`.
    String architecture(int index) {
        int device = (int) made("cuDeviceGet", index);
        int major = (int) made("cuDeviceGetAttribute", Attribute.CAPABILITY_MAJOR, device);
        int minor = (int) made("cuDeviceGetAttribute", Attribute.CAPABILITY_MINOR, device);
        return "sm_%d%d".formatted(major, minor);
    }

    /// `CUdevice_attribute`.
    private static final class Attribute {
        static final int CAPABILITY_MAJOR = 75;
        static final int CAPABILITY_MINOR = 76;
    }

    /// The context that libtorch uses of a GPU: its primary one.
    long primaryContext(int index) {
        int device = (int) made("cuDeviceGet", index);
        return made("cuDevicePrimaryCtxRetain", device);
    }

    /// Runs something in a context, and goes back to the one before.
    void within(long context, Runnable body) {
        long before = currentContext();
        if (before == context) {
            body.run();
            return;
        }
        setContext(context);
        try {
            body.run();
        } finally {
            if (before != 0) {
                setContext(before);
            }
        }
    }

    private long currentContext() {
        out.set(L, 0, 0);
        try {
            check("cuCtxGetCurrent", (int) currentContext.invokeExact(out.address()));
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw fault("cuCtxGetCurrent", t);
        }
        return out.get(L, 0);
    }

    private void setContext(long context) {
        try {
            check("cuCtxSetCurrent", (int) setContext.invokeExact(context));
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw fault("cuCtxSetCurrent", t);
        }
    }

    /// Loads machine code into the current context.
    ///
    /// @return the module
    long load(byte[] code) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment image = arena.allocate(code.length, 16);
            MemorySegment.copy(code, 0, image, ValueLayout.JAVA_BYTE, 0, code.length);
            return made("cuModuleLoadData", image.address());
        }
    }

    /// A kernel of a module.
    long kernel(long module, String name) {
        try (Arena arena = Arena.ofConfined()) {
            return made("cuModuleGetFunction", module, arena.allocateFrom(name).address());
        }
    }

    /// Launches a kernel in the current context.
    ///
    /// @param stream on which it is to compute
    /// @param parameters address of the addresses of its arguments
    void launch(long kernel, int blocks, int threads, long stream, long parameters) {
        int error;
        try {
            error =
                    (int)
                            launch.invokeExact(
                                    kernel, blocks, 1, 1, threads, 1, 1, 0, stream, parameters, 0L);
        } catch (Throwable t) {
            throw fault("cuLaunchKernel", t);
        }
        check("cuLaunchKernel", error);
    }

    /// A stream that doesn't wait for the default one.
    long newStream() {
        return made("cuStreamCreate", StreamFlag.NON_BLOCKING);
    }

    /// `CUstream_flags`.
    private static final class StreamFlag {
        static final int NON_BLOCKING = 1;
    }

    /// `CUstreamCaptureMode`.
    private static final class CaptureMode {
        static final int THREAD_LOCAL = 1;
    }

    /// Records from now on what is launched on a stream. Calls of this thread that could disturb
    /// it, such as allocations, fail.
    void beginCapture(long stream) {
        int error = call("cuStreamBeginCapture_v2", L, stream, CaptureMode.THREAD_LOCAL);
        check("cuStreamBeginCapture", error);
    }

    /// @return what was recorded, a graph
    /// @throws IllegalStateException if a call spoilt it
    long endCapture(long stream) {
        out.set(L, 0, 0);
        check("cuStreamEndCapture", call("cuStreamEndCapture", L, stream, out.address()));
        return out.get(L, 0);
    }

    /// Ends a recording that is of no use.
    void abandonCapture(long stream) {
        out.set(L, 0, 0);
        int _ = call("cuStreamEndCapture", L, stream, out.address()); // fails if it was spoilt
        long graph = out.get(L, 0);
        if (graph != 0) {
            destroyGraph(graph);
        }
    }

    /// @return a graph that can be launched
    long instantiate(long graph) {
        return made("cuGraphInstantiateWithFlags", graph, 0L);
    }

    void destroyGraph(long graph) {
        check("cuGraphDestroy", call("cuGraphDestroy", L, graph));
    }

    /// Frees what [#instantiate] gave.
    void destroyInstance(long instance) {
        check("cuGraphExecDestroy", call("cuGraphExecDestroy", L, instance));
    }

    /// Launches what [#instantiate] gave.
    void launchGraph(long instance, long stream) {
        if (launchGraph == null) {
            launchGraph = function("cuGraphLaunch", L, L);
        }
        int error;
        try {
            error = (int) launchGraph.invokeExact(instance, stream);
        } catch (Throwable t) {
            throw fault("cuGraphLaunch", t);
        }
        check("cuGraphLaunch", error);
    }
}
