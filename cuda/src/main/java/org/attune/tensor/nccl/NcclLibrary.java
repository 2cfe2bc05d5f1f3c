package org.attune.tensor.nccl;

import org.attune.error.CollectiveException;
import org.attune.tensor.GpuRanks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;

/// A loaded NCCL. There must be one in a process: where libtorch has brought its own, it is that.
@SuppressWarnings("restricted")
public final class NcclLibrary implements GpuRanks.Library {
    /// Bytes of the id by which GPUs of a run find each other.
    public static final int ID_BYTES = 128;

    private static final int LONGEST_TEXT = 4096;

    private final NcclFunctions functions;

    private NcclLibrary(SymbolLookup library) {
        functions = NcclFunctions.of(library);
    }

    /// The library that has these functions.
    ///
    /// @throws UnsatisfiedLinkError if one is missing
    public static NcclLibrary of(SymbolLookup library) {
        // NVLS adds in any order. Elsewhere than in `ranks_sum: library` nothing is added by NCCL.
        NativeVariable.setUnlessSet("NCCL_ALGO", "^NVLS");
        return new NcclLibrary(library);
    }

    /// What libtorch has loaded, else what the system's loader finds.
    public static Optional<NcclLibrary> find() {
        SymbolLookup loaded = SymbolLookup.loaderLookup();
        if (loaded.find("ncclAllReduce").isPresent()) {
            return Optional.of(of(loaded));
        }
        try {
            return Optional.of(of(SymbolLookup.libraryLookup("libnccl.so.2", Arena.global())));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // no such library
        }
    }

    /// The library of a file.
    ///
    /// @throws IllegalArgumentException if it can't be loaded
    public static NcclLibrary load(Path file) {
        return of(SymbolLookup.libraryLookup(file, Arena.global()));
    }

    /// The library's version, as 23007 for 2.30.7.
    @Override
    public int version() {
        try (var arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_INT);
            check("ncclGetVersion", () -> (int) functions.version().invokeExact(out.address()));
            return out.get(ValueLayout.JAVA_INT, 0);
        }
    }

    @Override
    public byte[] uniqueId() {
        try (var arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ID_BYTES, Long.BYTES);
            check("ncclGetUniqueId", () -> (int) functions.uniqueId().invokeExact(out.address()));
            return out.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /// @throws CollectiveException if this process has no GPU, or the others can't be reached
    @Override
    public GpuRanks join(byte[] id, int rank, int size) {
        try (var arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
            MemorySegment unique = arena.allocate(ID_BYTES, Long.BYTES);
            unique.copyFrom(MemorySegment.ofArray(id));
            check(
                    "ncclCommInitRank",
                    () -> (int) functions.join().invokeExact(out.address(), size, unique, rank));
            return new NcclRanks(this, functions, out.get(ValueLayout.JAVA_LONG, 0), size);
        }
    }

    /// A call of the library, which gives back an error number.
    @FunctionalInterface
    interface Call {
        int make() throws Throwable;
    }

    /// Makes a call.
    ///
    /// @param name for messages
    /// @throws CollectiveException unless it gives back 0
    void check(String name, Call call) {
        int code;
        try {
            code = call.make();
        } catch (Throwable t) {
            throw new IllegalStateException("calling " + name + " failed", t);
        }
        check(name, code);
    }

    /// @throws CollectiveException unless the error number is 0
    void check(String name, int code) {
        if (code != 0) {
            throw new CollectiveException("%s failed: %s".formatted(name, text(code)));
        }
    }

    /// What an error number means, and what the library says of the last one.
    private String text(int code) {
        try {
            String meaning = string((long) functions.errorText().invokeExact(code));
            String last = string((long) functions.lastError().invokeExact(0L));
            return last.isBlank() ? meaning : meaning + " (" + last.strip() + ")";
        } catch (Throwable t) {
            throw new IllegalStateException("calling ncclGetErrorString failed", t);
        }
    }

    private static String string(long address) {
        return address == 0
                ? ""
                : MemorySegment.ofAddress(address).reinterpret(LONGEST_TEXT).getString(0);
    }
}
