package org.attune.tensor.library;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.OptionalLong;

/// CUDA's runtime library, which libtorch's part for CUDA brings along.
@SuppressWarnings("restricted")
public final class Cudart {
    private static final String DRIVER = "libcuda.so.1";

    /// `cudaDevAttrComputeCapabilityMajor`.
    private static final int CAPABILITY_MAJOR = 75;

    private final MethodHandle deviceCount;
    private final MethodHandle device;
    private final MethodHandle setDevice;
    private final MethodHandle memory;
    private final MethodHandle attribute;

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
        memory = function("cudaMemGetInfo", ValueLayout.ADDRESS, ValueLayout.ADDRESS);
    }

    /// The library that is loaded, if one is.
    public static Optional<Cudart> find() {
        return SymbolLookup.loaderLookup().find("cudaMemGetInfo").map(_ -> new Cudart());
    }

    /// Whether the machine has CUDA's driver, without which nothing of CUDA works.
    public static boolean hasDriver() {
        try (Arena arena = Arena.ofConfined()) {
            return SymbolLookup.libraryLookup(DRIVER, arena).find("cuInit").isPresent();
        } catch (IllegalArgumentException _) {
            return false; // the system finds no such library
        }
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

    /// Memory of a GPU that nobody uses, in bytes; empty if the driver doesn't tell.
    public OptionalLong freeBytes(int index) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment before = arena.allocate(ValueLayout.JAVA_INT);
            MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
            MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
            if ((int) device.invokeExact(before) != 0 || (int) setDevice.invokeExact(index) != 0) {
                return OptionalLong.empty();
            }
            int error = (int) memory.invokeExact(free, total);
            int back = (int) setDevice.invokeExact(before.get(ValueLayout.JAVA_INT, 0));
            return error == 0 && back == 0
                    ? OptionalLong.of(free.get(ValueLayout.JAVA_LONG, 0))
                    : OptionalLong.empty();
        } catch (Throwable t) {
            throw new IllegalStateException("cudaMemGetInfo can't be called", t);
        }
    }
}
