package org.attune.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// C functions that libtorch has from 2.10 on, and two C++ ones that never throw as they are used
/// here: a leaf's gradient and the number of threads have no C function.
@SuppressWarnings("restricted")
final class StableShim {
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;

    private final MethodHandle newList = required("torch_new_list_reserve_size", L, L);
    private final MethodHandle pushBack = required("torch_list_push_back", L, L);
    private final MethodHandle subtract =
            required("aoti_torch_aten_subtract_Tensor", L, L, ValueLayout.JAVA_DOUBLE, L);
    private final MethodHandle isDefined = required("aoti_torch_is_defined", L, L);
    private final MethodHandle getThreads = required("torch_get_num_threads", L);
    private final MethodHandle gradient =
            Libtorch.optional("_ZNK3c1010TensorImpl4gradEv", FunctionDescriptor.of(L, L));
    private final MethodHandle setThreads =
            Libtorch.optional("_ZN2at15set_num_threadsEi", FunctionDescriptor.ofVoid(I));

    private final MemorySegment out = Arena.global().allocate(8, 8);

    private static MethodHandle required(String name, ValueLayout... arguments) {
        MethodHandle function = Libtorch.optional(name, FunctionDescriptor.of(I, arguments));
        if (function == null) {
            throw Libtorch.lacks(name);
        }
        return function;
    }

    /// A list that the call it is passed to takes over.
    long list(long[] items) {
        try {
            Libtorch.check(
                    "torch_new_list_reserve_size",
                    (int) newList.invokeExact((long) items.length, out.address()));
            long list = out.get(L, 0);
            for (long item : items) {
                Libtorch.check("torch_list_push_back", (int) pushBack.invokeExact(list, item));
            }
            return list;
        } catch (Throwable t) {
            throw Libtorch.fault("torch_list_push_back", t);
        }
    }

    /// `a - alpha b`, or 0 if libtorch refused.
    long subtract(long a, long b, double alpha) {
        try {
            int rc = (int) subtract.invokeExact(a, b, alpha, out.address());
            return rc == 0 ? out.get(L, 0) : 0;
        } catch (Throwable t) {
            throw Libtorch.fault("aoti_torch_aten_subtract_Tensor", t);
        }
    }

    /// A new handle to a leaf's gradient, or 0 if it has none. A handle points to an `at::Tensor`,
    /// whose first word is the `c10::TensorImpl`.
    long gradient(long handle) {
        if (gradient == null) {
            throw Libtorch.lacks("c10::TensorImpl::grad() const");
        }
        try {
            long borrowed =
                    (long) gradient.invokeExact(Libtorch.memory(handle, L.byteSize()).get(L, 0));
            out.set(L, 0, 0);
            Libtorch.check(
                    "aoti_torch_is_defined", (int) isDefined.invokeExact(borrowed, out.address()));
            return (out.get(L, 0) & 1) == 0 ? 0 : Libtorch.duplicate(borrowed);
        } catch (Throwable t) {
            throw Libtorch.fault("c10::TensorImpl::grad", t);
        }
    }

    int threads() {
        try {
            out.set(L, 0, 0);
            Libtorch.check("torch_get_num_threads", (int) getThreads.invokeExact(out.address()));
            return out.get(I, 0);
        } catch (Throwable t) {
            throw Libtorch.fault("torch_get_num_threads", t);
        }
    }

    /// Does nothing with a libtorch that lacks the function: `OMP_NUM_THREADS` decides then.
    ///
    /// @param threads at least 1
    void setThreads(int threads) {
        if (setThreads == null) {
            return;
        }
        try {
            setThreads.invokeExact(threads);
        } catch (Throwable t) {
            throw Libtorch.fault("at::set_num_threads", t);
        }
    }
}
