package org.attune.tensor.mpi;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;

/// The functions of a library. All give an error number; addresses and handles are longs.
record MpiFunctions(
        MethodHandle initialise,
        MethodHandle rank,
        MethodHandle size,
        MethodHandle processorName,
        MethodHandle version,
        MethodHandle split,
        MethodHandle setErrors,
        MethodHandle errorText,
        MethodHandle allToAll,
        MethodHandle allToAllParts,
        MethodHandle allGather,
        MethodHandle allReduce,
        MethodHandle broadcast,
        MethodHandle barrier,
        MethodHandle abort,
        MethodHandle finish) {

    /// @throws UnsatisfiedLinkError if one is missing
    static MpiFunctions of(SymbolLookup library, MpiAbi abi) {
        var find = new Finder(library, abi);
        return new MpiFunctions(
                find.function("MPI_Init_thread", "aaia"),
                find.function("MPI_Comm_rank", "ha"),
                find.function("MPI_Comm_size", "ha"),
                find.function("MPI_Get_processor_name", "aa"),
                find.function("MPI_Get_library_version", "aa"),
                find.function("MPI_Comm_split", "hiia"),
                find.function("MPI_Comm_set_errhandler", "hh"),
                find.function("MPI_Error_string", "iaa"),
                find.function("MPI_Alltoall", "aihaihh"),
                find.function("MPI_Alltoallv", "aaahaaahh"),
                find.function("MPI_Allgather", "aihaihh"),
                find.function("MPI_Allreduce", "aaihhh"),
                find.function("MPI_Bcast", "aihih"),
                find.function("MPI_Barrier", "h"),
                find.function("MPI_Abort", "hi"),
                find.function("MPI_Finalize", ""));
    }

    private record Finder(SymbolLookup library, MpiAbi abi) {
        private static final Linker LINKER = Linker.nativeLinker();

        /// @param arguments a letter each: `a`ddress, `h`andle, `i`nt
        @SuppressWarnings("restricted")
        MethodHandle function(String name, String arguments) {
            MemorySegment symbol =
                    library.find(name)
                            .orElseThrow(
                                    () -> new UnsatisfiedLinkError("the library has no " + name));
            List<MemoryLayout> layouts = new ArrayList<>();
            List<Class<?>> types = new ArrayList<>();
            for (char kind : arguments.toCharArray()) {
                layouts.add(
                        switch (kind) {
                            case 'a' -> ValueLayout.JAVA_LONG;
                            case 'h' -> abi.handle();
                            default -> ValueLayout.JAVA_INT;
                        });
                types.add(kind == 'i' ? int.class : long.class);
            }
            FunctionDescriptor descriptor =
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, layouts.toArray(MemoryLayout[]::new));
            MethodHandle raw = LINKER.downcallHandle(symbol, descriptor);
            return MethodHandles.explicitCastArguments(
                    raw, MethodType.methodType(int.class, types));
        }
    }
}
