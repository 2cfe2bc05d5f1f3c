package org.attune.tensor.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.function.Supplier;

/// CUDA's runtime library, which libtorch's part for CUDA brings along.
@SuppressWarnings("restricted")
final class Cudart {
    /// `cudaDevAttrComputeCapabilityMajor`.
    private static final int CAPABILITY_MAJOR = 75;

    /// `cudaErrorNotReady`.
    private static final int NOT_READY = 600;

    private static final int BUS_ID_BYTES = 32;

    private final MethodHandle deviceCount;
    private final MethodHandle device;
    private final MethodHandle setDevice;
    private final MethodHandle memory;
    private final MethodHandle attribute;
    private final MethodHandle synchronize;
    private final MethodHandle query;
    private final MethodHandle busId;

    private Cudart() {
        deviceCount = function("cudaGetDeviceCount", ValueLayout.ADDRESS);
        device = function("cudaGetDevice", ValueLayout.ADDRESS);
        setDevice = function("cudaSetDevice", ValueLayout.JAVA_INT);
        attribute =
                function(
                        "cudaDeviceGetAttribute",
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT);
        synchronize = function("cudaDeviceSynchronize");
        query = function("cudaStreamQuery", ValueLayout.JAVA_LONG);
        busId =
                function(
                        "cudaDeviceGetPCIBusId",
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT);
        memory = function("cudaMemGetInfo", ValueLayout.ADDRESS, ValueLayout.ADDRESS);
    }

    /// The library that is loaded, if one is.
    public static Optional<Cudart> find() {
        return SymbolLookup.loaderLookup().find("cudaMemGetInfo").map(_ -> new Cudart());
    }

    private static MethodHandle function(String name, MemoryLayout... arguments) {
        MemorySegment symbol = SymbolLookup.loaderLookup().find(name).orElseThrow();
        return Linker.nativeLinker()
                .downcallHandle(symbol, FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments));
    }

    /// GPUs of this machine that `CUDA_VISIBLE_DEVICES` leaves; 0 without a driver.
    public int deviceCount() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
            int error = (int) deviceCount.invokeExact(count);
            return error == 0 ? count.get(ValueLayout.JAVA_INT, 0) : 0;
        } catch (Throwable t) {
            throw new IllegalStateException("cudaGetDeviceCount can't be called", t);
        }
    }

    /// First number of a GPU's compute capability; 0 if the driver doesn't tell.
    public int capability(int index) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
            int error = (int) attribute.invokeExact(value, CAPABILITY_MAJOR, index);
            return error == 0 ? value.get(ValueLayout.JAVA_INT, 0) : 0;
        } catch (Throwable t) {
            throw new IllegalStateException("cudaDeviceGetAttribute can't be called", t);
        }
    }

    /// Bytes of a GPU.
    ///
    /// @param total that it has
    /// @param free that nobody uses
    public record Memory(long total, long free) {}

    /// What the driver says of a GPU's memory; empty if it says nothing.
    public Optional<Memory> memory(int index) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
            MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
            int error = on(index, () -> (int) memory.invokeExact(free, total));
            return error == 0
                    ? Optional.of(
                            new Memory(
                                    total.get(ValueLayout.JAVA_LONG, 0),
                                    free.get(ValueLayout.JAVA_LONG, 0)))
                    : Optional.empty();
        }
    }

    /// Waits until a GPU has done all that was asked of it.
    ///
    /// @throws IllegalStateException if it failed at something
    public void finish(int index) {
        int error = on(index, () -> (int) synchronize.invokeExact());
        if (error != 0) {
            throw new IllegalStateException(
                    "GPU %d failed at what was asked of it: CUDA's error %d"
                            .formatted(index, error));
        }
    }

    /// Whether a GPU has done all that was asked of it on a stream.
    ///
    /// @throws IllegalStateException if it failed at something
    public boolean isDone(int index, long stream) {
        int error = on(index, () -> (int) query.invokeExact(stream));
        if (error != 0 && error != NOT_READY) {
            throw new IllegalStateException(
                    "GPU %d failed at what was asked of it: CUDA's error %d"
                            .formatted(index, error));
        }
        return error == 0;
    }

    /// Where a GPU is in its machine, as `0000:65:00.0`, whatever number a process knows it by.
    public String busId(int index) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(BUS_ID_BYTES);
            int error = (int) busId.invokeExact(text, BUS_ID_BYTES, index);
            return error == 0 ? text.getString(0) : "GPU " + index;
        } catch (Throwable t) {
            throw new IllegalStateException("cudaDeviceGetPCIBusId can't be called", t);
        }
    }

    /// Does something while a GPU is the thread's current one, and goes back to the one before.
    public <T> T within(int index, Supplier<T> work) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment before = arena.allocate(ValueLayout.JAVA_INT);
            require("cudaGetDevice", () -> (int) device.invokeExact(before));
            require("cudaSetDevice", () -> (int) setDevice.invokeExact(index));
            try {
                return work.get();
            } finally {
                int last = before.get(ValueLayout.JAVA_INT, 0);
                require("cudaSetDevice", () -> (int) setDevice.invokeExact(last));
            }
        }
    }

    private static void require(String name, Call call) {
        int error;
        try {
            error = call.run();
        } catch (Throwable t) {
            throw new IllegalStateException(name + " can't be called", t);
        }
        if (error != 0) {
            throw new IllegalStateException("%s failed: CUDA's error %d".formatted(name, error));
        }
    }

    @FunctionalInterface
    private interface Call {
        int run() throws Throwable;
    }

    /// Calls a function of a GPU, and goes back to the one that was current before.
    ///
    /// @return CUDA's error, 0 for none
    private int on(int index, Call call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment before = arena.allocate(ValueLayout.JAVA_INT);
            int error = (int) device.invokeExact(before);
            if (error != 0) {
                return error;
            }
            error = (int) setDevice.invokeExact(index);
            if (error != 0) {
                return error;
            }
            error = call.run();
            int back = (int) setDevice.invokeExact(before.get(ValueLayout.JAVA_INT, 0));
            return error == 0 ? back : error;
        } catch (Throwable t) {
            throw new IllegalStateException("CUDA's runtime can't be called", t);
        }
    }
}
