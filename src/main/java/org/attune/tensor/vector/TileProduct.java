package org.attune.tensor.vector;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Products of small matrices, of bfloat16 with float32 sums or of bytes with int32 sums, on the
/// thread that calls, at the full speed of a core: oneDNN's kernels, compiled for each shape, which
/// libtorch hands out. Matrices are where the caller has them, so that what comes before and after
/// a product finds its numbers in the cache.
///
/// A right-hand matrix `(k, n)` of bfloat16 must stand in pairs of rows, `(k/2, n, 2)`: see
/// [TileRows#interleave].
final class TileProduct {
    private TileProduct() {}

    /// Resolved at the first use, when libtorch must be loaded.
    private static final class Native {
        private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;
        private static final ValueLayout.OfBoolean Z = ValueLayout.JAVA_BOOLEAN;

        /// `brgemm(M, N, K, lda, ldb, ldc, add, A, B, C, pairs)`.
        static final MethodHandle MULTIPLY =
                handle(
                        "_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb",
                        FunctionDescriptor.ofVoid(L, L, L, L, L, L, Z, L, L, L, Z));

        /// Of unsigned bytes and signed ones, with sums in int32.
        static final MethodHandle BYTES =
                handle(
                        "_ZN2at6native7cpublas6brgemmEllllllbPKhPKaPib",
                        FunctionDescriptor.ofVoid(L, L, L, L, L, L, Z, L, L, L, Z));

        /// Of float32. Where oneDNN has no kernels for the processor, libtorch takes another
        /// library.
        static final MethodHandle FLOATS =
                handle(
                        "_ZN2at6native7cpublas6brgemmEllllllbPKfS3_Pfb",
                        FunctionDescriptor.ofVoid(L, L, L, L, L, L, Z, L, L, L, Z));

        static final MethodHandle RELEASE =
                handle("_ZN2at6native7cpublas14brgemm_releaseEb", FunctionDescriptor.ofVoid(Z));

        @SuppressWarnings("restricted")
        private static MethodHandle handle(String name, FunctionDescriptor type) {
            return SymbolLookup.loaderLookup()
                    .find(name)
                    .map(symbol -> Linker.nativeLinker().downcallHandle(symbol, type))
                    .orElse(null);
        }

        /// A restricted processor may lack the kernels' instructions. libtorch then throws what no
        /// Java method can catch.
        static boolean isRestricted() {
            return System.getenv("ONEDNN_MAX_CPU_ISA") != null
                    || System.getenv("DNNL_MAX_CPU_ISA") != null;
        }
    }

    /// Whether libtorch, which must be loaded, has the kernels. The processor must have
    /// instructions for bfloat16, which callers must have asked.
    static boolean isAvailable() {
        return Native.MULTIPLY != null && Native.RELEASE != null && !Native.isRestricted();
    }

    /// Whether libtorch, which must be loaded, has the kernels for bytes. The
    /// processor must have AVX512-VNNI, which callers must have asked.
    static boolean hasBytes() {
        return Native.BYTES != null && Native.RELEASE != null && !Native.isRestricted();
    }

    /// `c = a b`, or `c += a b`. Each new combination of everything but the addresses is compiled
    /// for every thread, and kept: there should be few.
    ///
    /// @param m rows of `a`
    /// @param n columns of `b`
    /// @param k columns of `a`, even
    /// @param aRow numbers from a row of `a` to the next
    /// @param bRow columns in memory from a pair of rows of `b` to the next
    /// @param cRow numbers from a row of `c` to the next
    static void multiply(
            int m,
            int n,
            int k,
            int aRow,
            int bRow,
            int cRow,
            boolean add,
            long a,
            long b,
            long c) {
        if (k % 2 != 0) { // where there are tiles in registers, libtorch would end the process
            throw new IllegalArgumentException("products of %d columns".formatted(k));
        }
        try {
            Native.MULTIPLY.invokeExact(
                    (long) m,
                    (long) n,
                    (long) k,
                    (long) aRow,
                    (long) bRow,
                    (long) cRow,
                    add,
                    a,
                    b,
                    c,
                    true);
        } catch (Throwable t) {
            throw new IllegalStateException("calling libtorch's brgemm failed", t);
        }
    }

    /// Whether libtorch, which must be loaded, has the kernels for float32.
    static boolean hasFloats() {
        return Native.FLOATS != null && Native.RELEASE != null;
    }

    /// `c = a b`, or `c += a b`, of float32 numbers.
    ///
    /// @param aRow numbers from a row of `a` to the next
    /// @param b `(k, n)`
    /// @param c `(m, n)`
    static void multiplyFloats(int m, int n, int k, int aRow, boolean add, long a, long b, long c) {
        try {
            Native.FLOATS.invokeExact(
                    (long) m,
                    (long) n,
                    (long) k,
                    (long) aRow,
                    (long) n,
                    (long) n,
                    add,
                    a,
                    b,
                    c,
                    false);
        } catch (Throwable t) {
            throw new IllegalStateException("calling libtorch's brgemm of floats failed", t);
        }
    }

    /// `c = a b`, or `c += a b`, of unsigned and signed bytes, with sums in int32. Sums of more
    /// than 2¹⁶ products may be too large.
    ///
    /// @param k columns of `a`, a multiple of four
    /// @param aRow bytes from a row of `a` to the next
    /// @param b in quads of rows, `(k/4, n, 4)`
    /// @param c `(m, n)`
    static void multiplyBytes(int m, int n, int k, int aRow, boolean add, long a, long b, long c) {
        if (k % Integer.BYTES != 0) {
            throw new IllegalArgumentException("products of %d columns".formatted(k));
        }
        try {
            Native.BYTES.invokeExact(
                    (long) m,
                    (long) n,
                    (long) k,
                    (long) aRow,
                    (long) n,
                    (long) n,
                    add,
                    a,
                    b,
                    c,
                    true);
        } catch (Throwable t) {
            throw new IllegalStateException("calling libtorch's brgemm of bytes failed", t);
        }
    }

    /// Ends a series of products on this thread: some processors have a state for them.
    static void release() {
        try {
            Native.RELEASE.invokeExact(true);
        } catch (Throwable t) {
            throw new IllegalStateException("calling libtorch's brgemm_release failed", t);
        }
    }
}
