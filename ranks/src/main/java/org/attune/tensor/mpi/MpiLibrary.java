package org.attune.tensor.mpi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;

/// A loaded MPI library. Calls concern all processes of the job, or those of a part of it, return 0
/// or an error number, and are made by one thread, which also begins and finishes. Counts are of
/// the named type, 32 bits wide.
@SuppressWarnings("restricted")
public final class MpiLibrary {
    /// The standard's limits of texts are below this in all libraries.
    private static final int TEXT_BYTES = 8192;

    private final MpiAbi abi;
    private final MpiHandles handles;
    private final MpiFunctions functions;
    private final MemorySegment text = Arena.global().allocate(TEXT_BYTES);
    private final MemorySegment number = Arena.global().allocate(ValueLayout.JAVA_INT);

    private MpiLibrary(MpiAbi abi, MpiHandles handles, MpiFunctions functions) {
        this.abi = abi;
        this.handles = handles;
        this.functions = functions;
    }

    /// Loads a library; nothing is begun.
    ///
    /// @param file a path, or a name that the system's loader looks for
    /// @throws IllegalArgumentException if there is none
    /// @throws UnsatisfiedLinkError if it isn't an MPI library of this interface
    public static MpiLibrary load(MpiAbi abi, String file) {
        SymbolLookup library =
                file.contains("/")
                        ? SymbolLookup.libraryLookup(Path.of(file), Arena.global())
                        : SymbolLookup.libraryLookup(file, Arena.global());
        return new MpiLibrary(abi, abi.handles(library), MpiFunctions.of(library, abi));
    }

    public MpiAbi abi() {
        return abi;
    }

    /// Begins, so that failed calls return.
    public int initialise() {
        int code =
                call(
                        "MPI_Init_thread",
                        () ->
                                (int)
                                        functions
                                                .initialise()
                                                .invokeExact(
                                                        0L,
                                                        0L,
                                                        abi.serialized(),
                                                        number.address()));
        return code != 0
                ? code
                : call(
                        "MPI_Comm_set_errhandler",
                        () ->
                                (int)
                                        functions
                                                .setErrors()
                                                .invokeExact(
                                                        handles.processes(),
                                                        handles.errorsReturn()));
    }

    /// Gives those processes calls among themselves that name the same number. All make this call.
    ///
    /// @throws IllegalStateException if it fails
    public MpiLibrary split(int number) {
        MemorySegment part = Arena.global().allocate(ValueLayout.JAVA_LONG);
        int code =
                call(
                        "MPI_Comm_split",
                        () ->
                                (int)
                                        functions
                                                .split()
                                                .invokeExact(
                                                        handles.processes(),
                                                        number,
                                                        0,
                                                        part.address()));
        if (code != 0) {
            throw new IllegalStateException("MPI_Comm_split failed: " + errorText(code));
        }
        long handle =
                abi == MpiAbi.MPICH
                        ? part.get(ValueLayout.JAVA_INT, 0)
                        : part.get(ValueLayout.JAVA_LONG, 0);
        return new MpiLibrary(abi, handles.among(handle), functions);
    }

    /// This process's number among all.
    public int rank() {
        int _ =
                call(
                        "MPI_Comm_rank",
                        () ->
                                (int)
                                        functions
                                                .rank()
                                                .invokeExact(
                                                        handles.processes(), number.address()));
        return number.get(ValueLayout.JAVA_INT, 0);
    }

    /// Number of processes.
    public int size() {
        int _ =
                call(
                        "MPI_Comm_size",
                        () ->
                                (int)
                                        functions
                                                .size()
                                                .invokeExact(
                                                        handles.processes(), number.address()));
        return number.get(ValueLayout.JAVA_INT, 0);
    }

    /// The name of this machine.
    public String processorName() {
        int _ =
                call(
                        "MPI_Get_processor_name",
                        () ->
                                (int)
                                        functions
                                                .processorName()
                                                .invokeExact(text.address(), number.address()));
        return text.getString(0);
    }

    /// What the library says of itself, on one line: `Open MPI v4.1.4, package: …`.
    public String version() {
        int _ =
                call(
                        "MPI_Get_library_version",
                        () ->
                                (int)
                                        functions
                                                .version()
                                                .invokeExact(text.address(), number.address()));
        String line = text.getString(0).strip().lines().findFirst().orElse("");
        return line.replaceAll("\\s+", " ");
    }

    /// What an error number means.
    public String errorText(int code) {
        int failed =
                call(
                        "MPI_Error_string",
                        () ->
                                (int)
                                        functions
                                                .errorText()
                                                .invokeExact(
                                                        code, text.address(), number.address()));
        return failed == 0 ? text.getString(0).strip() : "error " + code;
    }

    /// Part j of every rank goes to rank j, which gets them in the order of the ranks.
    ///
    /// @param from address of size · count float32 numbers
    /// @param to likewise, elsewhere
    public int allToAll(long from, long to, int count) {
        long type = handles.floatType();
        return call(
                "MPI_Alltoall",
                () ->
                        (int)
                                functions
                                        .allToAll()
                                        .invokeExact(
                                                from,
                                                count,
                                                type,
                                                to,
                                                count,
                                                type,
                                                handles.processes()));
    }

    /// Part j of every rank goes to rank j, which gets them in the order of the ranks.
    ///
    /// @param from address of the float32 numbers of all parts
    /// @param counts numbers of each part
    /// @param to address of size · mine, elsewhere
    /// @param mine numbers of this rank's part
    public int allToAll(long from, int[] counts, long to, int mine) {
        int[] received = new int[counts.length];
        Arrays.fill(received, mine);
        long type = handles.floatType();
        try (Arena arena = Arena.ofConfined()) {
            long sent = ints(arena, counts);
            long sentFrom = ints(arena, starts(counts));
            long got = ints(arena, received);
            long gotAt = ints(arena, starts(received));
            return call(
                    "MPI_Alltoallv",
                    () ->
                            (int)
                                    functions
                                            .allToAllParts()
                                            .invokeExact(
                                                    from,
                                                    sent,
                                                    sentFrom,
                                                    type,
                                                    to,
                                                    got,
                                                    gotAt,
                                                    type,
                                                    handles.processes()));
        }
    }

    private static long ints(Arena arena, int[] numbers) {
        return arena.allocateFrom(ValueLayout.JAVA_INT, numbers).address();
    }

    /// Where each part begins.
    private static int[] starts(int[] counts) {
        int[] starts = new int[counts.length];
        for (int i = 1; i < counts.length; i++) {
            starts[i] = Math.addExact(starts[i - 1], counts[i - 1]);
        }
        return starts;
    }

    /// Everybody's numbers, in the order of the ranks.
    ///
    /// @param from address of count float32 numbers, outside of the others
    /// @param to address of size · count
    public int allGather(long from, long to, int count) {
        return gather(from, to, count, handles.floatType());
    }

    /// Gathers everybody's bytes, in the order of the ranks.
    public int allGatherBytes(long from, long to, int count) {
        return gather(from, to, count, handles.byteType());
    }

    /// Gathers everybody's float32 numbers, where this rank's are in their place already.
    public int allGatherInPlace(long all, int count) {
        return gather(abi.inPlace(), all, count, handles.floatType());
    }

    /// Gathers everybody's bytes, where this rank's are in their place already.
    public int allGatherBytesInPlace(long all, int count) {
        return gather(abi.inPlace(), all, count, handles.byteType());
    }

    private int gather(long from, long to, int count, long type) {
        return call(
                "MPI_Allgather",
                () ->
                        (int)
                                functions
                                        .allGather()
                                        .invokeExact(
                                                from,
                                                count,
                                                type,
                                                to,
                                                count,
                                                type,
                                                handles.processes()));
    }

    /// Adds up float32 numbers over all ranks, in place, in the library's order.
    public int allReduce(long numbers, int count) {
        return call(
                "MPI_Allreduce",
                () ->
                        (int)
                                functions
                                        .allReduce()
                                        .invokeExact(
                                                abi.inPlace(),
                                                numbers,
                                                count,
                                                handles.floatType(),
                                                handles.sum(),
                                                handles.processes()));
    }

    /// Copies one rank's bytes to all.
    public int broadcast(long bytes, int count, int from) {
        return call(
                "MPI_Bcast",
                () ->
                        (int)
                                functions
                                        .broadcast()
                                        .invokeExact(
                                                bytes,
                                                count,
                                                handles.byteType(),
                                                from,
                                                handles.processes()));
    }

    /// Waits for all.
    public int barrier() {
        return call(
                "MPI_Barrier", () -> (int) functions.barrier().invokeExact(handles.processes()));
    }

    /// Ends all processes of the job, this one included.
    ///
    /// @param code that the launcher ends with
    public int abort(int code) {
        return call(
                "MPI_Abort", () -> (int) functions.abort().invokeExact(handles.processes(), code));
    }

    /// Ends the use of the library, with all others.
    public int finish() {
        return call("MPI_Finalize", () -> (int) functions.finish().invokeExact());
    }

    /// A call of the library, which gives back an error number.
    @FunctionalInterface
    private interface Call {
        int make() throws Throwable;
    }

    private static int call(String function, Call call) {
        try {
            return call.make();
        } catch (Throwable t) {
            throw new IllegalStateException("calling " + function + " failed", t);
        }
    }
}
