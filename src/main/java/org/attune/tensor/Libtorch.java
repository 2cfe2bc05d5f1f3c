package org.attune.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// libtorch's C entry points through the Foreign Function & Memory API. Handles and pointers are
/// plain longs. Only the engine thread calls these, so one scratch buffer serves all calls.
@SuppressWarnings("restricted")
final class Libtorch {
    /// Slots of the argument stack; the widest schema used has 14.
    static final int STACK_SLOTS = 32;

    private static final long LONGEST_REASON = 1L << 20;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup TORCH = SymbolLookup.loaderLookup();
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfBoolean Z = ValueLayout.JAVA_BOOLEAN;

    private static final MethodHandle CALL_DISPATCHER = torch("call_dispatcher", L, L, L);
    private static final MethodHandle NEW_HANDLE = torch("new_tensor_handle", L, L);
    private static final MethodHandle DELETE = torch("delete_tensor_object", L);
    private static final MethodHandle EMPTY_STRIDED = torch("empty_strided", L, L, L, I, I, I, L);
    private static final MethodHandle EMPTY_PINNED =
            optional(
                    "aoti_torch_empty_strided_pinned",
                    FunctionDescriptor.of(I, L, L, L, I, I, I, L));
    private static final MethodHandle REINTERPRET = torch("_reinterpret_tensor", L, L, L, L, L, L);
    private static final MethodHandle DATA_PTR = torch("get_data_ptr", L, L);
    private static final MethodHandle GET_DIM = torch("get_dim", L, L);
    private static final MethodHandle GET_DTYPE = torch("get_dtype", L, L);
    private static final MethodHandle GET_DEVICE_TYPE = torch("get_device_type", L, L);
    private static final MethodHandle GET_DEVICE_INDEX = torch("get_device_index", L, L);
    private static final MethodHandle GET_SIZES = torch("get_sizes", L, L);
    private static final MethodHandle GET_STRIDES = torch("get_strides", L, L);
    private static final MethodHandle SCALAR_FLOAT64 =
            torch("scalar_to_tensor_float64", ValueLayout.JAVA_DOUBLE, L);
    private static final MethodHandle ZERO = torch("zero_", L);
    private static final MethodHandle ADDMM_OUT =
            torch("addmm_out", L, L, L, L, ValueLayout.JAVA_FLOAT, ValueLayout.JAVA_FLOAT);
    private static final MethodHandle GRAD_MODE_ENABLED =
            LINKER.downcallHandle(
                    TORCH.find("aoti_torch_grad_mode_is_enabled").orElseThrow(),
                    FunctionDescriptor.of(Z));
    private static final MethodHandle GRAD_MODE_SET =
            LINKER.downcallHandle(
                    TORCH.find("aoti_torch_grad_mode_set_enabled").orElseThrow(),
                    FunctionDescriptor.ofVoid(Z));
    /// Both only from 2.13 on, else null.
    private static final MethodHandle NEW_SLOT =
            optional("torch_new_stable_ivalue", FunctionDescriptor.of(I, L));

    private static final MethodHandle REASON =
            optional("torch_exception_get_what_without_backtrace", FunctionDescriptor.of(L));
    private static final MethodHandle MALLOC =
            LINKER.downcallHandle(
                    LINKER.defaultLookup().find("malloc").orElseThrow(),
                    FunctionDescriptor.of(L, L));

    private static final MemorySegment STACK = Arena.global().allocate(8L * STACK_SLOTS, 8);
    private static final MemorySegment OUT = Arena.global().allocate(8, 8);
    private static final MemorySegment SIZES = Arena.global().allocate(8L * 16, 8);
    private static final MemorySegment STRIDES = Arena.global().allocate(8L * 16, 8);

    private Libtorch() {}

    private static MethodHandle torch(String name, MemoryLayout... arguments) {
        String symbol = "aoti_torch_" + name;
        return LINKER.downcallHandle(
                TORCH.find(symbol).orElseThrow(() -> lacks(symbol)),
                FunctionDescriptor.of(I, arguments));
    }

    /// A function that not every libtorch has, or null.
    static MethodHandle optional(String symbol, FunctionDescriptor type) {
        return TORCH.find(symbol).map(found -> LINKER.downcallHandle(found, type)).orElse(null);
    }

    static IllegalStateException lacks(String function) {
        return new IllegalStateException(
                "libtorch has no %s; Attune needs libtorch 2.7.1, or 2.10 and newer"
                        .formatted(function));
    }

    /// What libtorch says about the call that it refused last, after a colon; empty before 2.13,
    /// which doesn't keep it.
    static String reason() {
        if (REASON == null) {
            return "";
        }
        try {
            long text = (long) REASON.invokeExact();
            String first =
                    text == 0
                            ? ""
                            : memory(text, LONGEST_REASON)
                                    .getString(0)
                                    .lines()
                                    .findFirst()
                                    .orElse("");
            return first.isEmpty() ? "" : ": " + first;
        } catch (Throwable t) {
            throw fault("exception_get_what", t);
        }
    }

    /// A function of libtorch or of what it brings along.
    static Optional<MemorySegment> find(String name) {
        return TORCH.find(name);
    }

    /// Keeps libtorch from printing a native stack trace for every refused call: the Java exception
    /// says what was wrong.
    static void quietLog() {
        final int fatal = 3;
        TORCH.find("FLAGS_caffe2_log_level")
                .ifPresent(flag -> flag.reinterpret(I.byteSize()).set(I, 0, fatal));
    }

    static MemorySegment cString(String text) {
        return Arena.global().allocateFrom(text);
    }

    /// The argument stack; results come back from slot 0.
    static MemorySegment stack() {
        return STACK;
    }

    /// @return 0, or another number if the operator failed
    static int callDispatcher(long operator, long overload) {
        try {
            return (int) CALL_DISPATCHER.invokeExact(operator, overload, STACK.address());
        } catch (Throwable t) {
            throw fault("call_dispatcher", t);
        }
    }

    /// A second handle to the same tensor.
    static long duplicate(long handle) {
        try {
            check("new_tensor_handle", (int) NEW_HANDLE.invokeExact(handle, OUT.address()));
            return OUT.get(L, 0);
        } catch (Throwable t) {
            throw fault("new_tensor_handle", t);
        }
    }

    static void delete(long handle) {
        try {
            check("delete_tensor_object", (int) DELETE.invokeExact(handle));
        } catch (Throwable t) {
            throw fault("delete_tensor_object", t);
        }
    }

    /// Sets sizes and strides, row-major.
    private static void layOut(long[] shape) {
        long stride = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            SIZES.setAtIndex(L, i, shape[i]);
            STRIDES.setAtIndex(L, i, stride);
            stride *= Math.max(1, shape[i]);
        }
    }

    /// Uninitialised memory, row-major.
    static long empty(long[] shape, int scalarType, int deviceType, int deviceIndex) {
        layOut(shape);
        try {
            int rc =
                    (int)
                            EMPTY_STRIDED.invokeExact(
                                    (long) shape.length,
                                    SIZES.address(),
                                    STRIDES.address(),
                                    scalarType,
                                    deviceType,
                                    deviceIndex,
                                    OUT.address());
            check("empty_strided", rc);
            return OUT.get(L, 0);
        } catch (Throwable t) {
            throw fault("empty_strided", t);
        }
    }

    /// An empty tensor in memory of the processor that a GPU can read by itself. Only from 2.11 on,
    /// and only where there is a GPU.
    ///
    /// @return 0 where libtorch has no such memory
    static long emptyPinned(long[] shape, int scalarType) {
        if (EMPTY_PINNED == null) {
            return 0;
        }
        layOut(shape);
        try {
            int rc =
                    (int)
                            EMPTY_PINNED.invokeExact(
                                    (long) shape.length,
                                    SIZES.address(),
                                    STRIDES.address(),
                                    scalarType,
                                    Device.cpu().kind().number(),
                                    Device.cpu().index(),
                                    OUT.address());
            return rc == 0 ? OUT.get(L, 0) : 0;
        } catch (Throwable t) {
            throw fault("empty_strided_pinned", t);
        }
    }

    /// Another view of the same storage; not seen by autograd.
    static long reinterpret(long handle, long[] shape, long[] strides, long offset) {
        for (int i = 0; i < shape.length; i++) {
            SIZES.setAtIndex(L, i, shape[i]);
            STRIDES.setAtIndex(L, i, strides[i]);
        }
        return reinterpret(handle, shape.length, offset);
    }

    /// Another view of the same storage, row-major; not seen by autograd.
    static long reinterpret(long handle, long[] shape, long offset) {
        layOut(shape);
        return reinterpret(handle, shape.length, offset);
    }

    private static long reinterpret(long handle, int dim, long offset) {
        try {
            int rc =
                    (int)
                            REINTERPRET.invokeExact(
                                    handle,
                                    (long) dim,
                                    SIZES.address(),
                                    STRIDES.address(),
                                    offset,
                                    OUT.address());
            check("_reinterpret_tensor", rc);
            return OUT.get(L, 0);
        } catch (Throwable t) {
            throw fault("_reinterpret_tensor", t);
        }
    }

    static long dataPointer(long handle) {
        return get(DATA_PTR, handle);
    }

    static int dim(long handle) {
        return (int) get(GET_DIM, handle);
    }

    static int scalarType(long handle) {
        return (int) get(GET_DTYPE, handle) & 0xff;
    }

    static int deviceType(long handle) {
        return (int) get(GET_DEVICE_TYPE, handle);
    }

    static int deviceIndex(long handle) {
        return (int) get(GET_DEVICE_INDEX, handle);
    }

    static long[] sizes(long handle, int dim) {
        return dim == 0 ? new long[0] : longs(get(GET_SIZES, handle), dim);
    }

    static long[] strides(long handle, int dim) {
        return dim == 0 ? new long[0] : longs(get(GET_STRIDES, handle), dim);
    }

    static long scalar(double value) {
        try {
            check("scalar_to_tensor", (int) SCALAR_FLOAT64.invokeExact(value, OUT.address()));
            return OUT.get(L, 0);
        } catch (Throwable t) {
            throw fault("scalar_to_tensor", t);
        }
    }

    static void zeroInPlace(long handle) {
        try {
            check("zero_", (int) ZERO.invokeExact(handle));
        } catch (Throwable t) {
            throw fault("zero_", t);
        }
    }

    /// `out = beta · self + alpha · a b`; returns 0 or an error number.
    static int addmmOut(long out, long self, long a, long b, float beta, float alpha) {
        try {
            return (int) ADDMM_OUT.invokeExact(out, self, a, b, beta, alpha);
        } catch (Throwable t) {
            throw fault("addmm_out", t);
        }
    }

    static boolean gradMode() {
        try {
            return (boolean) GRAD_MODE_ENABLED.invokeExact();
        } catch (Throwable t) {
            throw fault("grad_mode_is_enabled", t);
        }
    }

    static void setGradMode(boolean enabled) {
        try {
            GRAD_MODE_SET.invokeExact(enabled);
        } catch (Throwable t) {
            throw fault("grad_mode_set_enabled", t);
        }
    }

    /// An optional argument that is present: a heap slot that libtorch frees.
    static long some(long value) {
        try {
            long slot = newSlot();
            MemorySegment.ofAddress(slot).reinterpret(8).set(L, 0, value);
            return slot;
        } catch (Throwable t) {
            throw fault("malloc", t);
        }
    }

    private static long newSlot() throws Throwable {
        if (NEW_SLOT == null) {
            return (long) MALLOC.invokeExact(8L);
        }
        check("torch_new_stable_ivalue", (int) NEW_SLOT.invokeExact(OUT.address()));
        return OUT.get(L, 0);
    }

    /// Memory at a native address.
    static MemorySegment memory(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    private static long get(MethodHandle getter, long handle) {
        try {
            OUT.set(L, 0, 0);
            check("getter", (int) getter.invokeExact(handle, OUT.address()));
            return OUT.get(L, 0);
        } catch (Throwable t) {
            throw fault("getter", t);
        }
    }

    private static long[] longs(long address, int count) {
        return memory(address, 8L * count).toArray(L);
    }

    static void check(String function, int rc) {
        if (rc != 0) {
            throw new IllegalStateException("libtorch's " + function + " failed" + reason());
        }
    }

    static RuntimeException fault(String function, Throwable t) {
        return t instanceof RuntimeException r
                ? r
                : new IllegalStateException("calling libtorch's " + function + " failed", t);
    }
}
