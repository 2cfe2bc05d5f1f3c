package org.attune.tensor.gpu;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.OptionalInt;

/// libtorch's allocator for GPUs, which keeps freed memory for the next tensors. To empty its cache
/// is a virtual method of C++ without a C function. Where it stands among the virtual methods is
/// read off `CUDAPluggableAllocator`, a class with the same base whose table and methods have
/// symbols.
///
/// @param slot of the method in tables of virtual methods
@SuppressWarnings("restricted")
record CachingAllocator(int slot) {
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;
    private static final String PLUGGABLE =
            "5torch4cuda22CUDAPluggableAllocator22CUDAPluggableAllocator";
    private static final String TABLE = "_ZTVN" + PLUGGABLE + "E";
    private static final String EMPTY_CACHE = "_ZN" + PLUGGABLE + "10emptyCacheESt4pairIyyE";

    /// `std::atomic<CUDAAllocator*> c10::cuda::CUDACachingAllocator::allocator`.
    private static final String ALLOCATOR = "_ZN3c104cuda20CUDACachingAllocator9allocatorE";

    /// A table begins with an offset and a type.
    private static final int HEADER = 2;

    private static final int MOST_METHODS = 64;

    /// Looks in the libraries that are loaded; empty without CUDA, or where the method isn't where
    /// it was so far: then the cache stays as it is.
    public static Optional<CachingAllocator> find() {
        return find(SymbolLookup.loaderLookup());
    }

    static Optional<CachingAllocator> find(SymbolLookup libraries) {
        Optional<MemorySegment> table = libraries.find(TABLE);
        Optional<MemorySegment> method = libraries.find(EMPTY_CACHE);
        if (table.isEmpty() || method.isEmpty() || libraries.find(ALLOCATOR).isEmpty()) {
            return Optional.empty();
        }
        OptionalInt slot = slot(table.get(), method.get().address());
        return slot.isPresent()
                ? Optional.of(new CachingAllocator(slot.getAsInt()))
                : Optional.empty();
    }

    private static OptionalInt slot(MemorySegment table, long method) {
        MemorySegment entries = table.reinterpret(L.byteSize() * (HEADER + MOST_METHODS));
        for (int i = 0; i < MOST_METHODS; i++) {
            long entry = entries.getAtIndex(L, HEADER + i);
            if (entry == method) {
                return OptionalInt.of(i);
            }
            if (entry == 0) {
                break; // the next table's header
            }
        }
        return OptionalInt.empty();
    }

    /// Gives the driver back what is kept of freed tensors. Nothing must be under way on a GPU.
    public void empty() {
        long allocator =
                SymbolLookup.loaderLookup().find(ALLOCATOR).orElseThrow().reinterpret(8).get(L, 0);
        if (allocator == 0) {
            return; // no GPU was used yet
        }
        long methods = MemorySegment.ofAddress(allocator).reinterpret(8).get(L, 0);
        long method =
                MemorySegment.ofAddress(methods + L.byteSize() * slot).reinterpret(8).get(L, 0);
        MethodHandle call =
                Linker.nativeLinker()
                        .downcallHandle(
                                MemorySegment.ofAddress(method),
                                FunctionDescriptor.ofVoid(L, L, L));
        try {
            call.invokeExact(allocator, 0L, 0L); // of no private pool: of all
        } catch (Throwable t) {
            throw new IllegalStateException("libtorch's emptyCache can't be called", t);
        }
    }
}
