package org.attune.tensor.mpi;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;

/// How a library's binary interface spells communicators, types and operations.
public enum MpiAbi {
    /// Open MPI from 2 on: handles are addresses of exported objects.
    OPEN_MPI("libmpi.so.40"),

    /// That of the MPI 5.0 standard (chapter 20): handles are small numbers, as wide as a pointer.
    /// MPICH has it from 5.0 on.
    STANDARD("libmpi_abi.so.1"),

    /// MPICH's own, which Intel MPI, MVAPICH and Cray MPICH share: handles are 32-bit numbers.
    MPICH("libmpi.so.12");

    private final String fileName;

    MpiAbi(String fileName) {
        this.fileName = fileName;
    }

    /// What the library's file is called.
    public String fileName() {
        return fileName;
    }

    /// The layout of a handle in arguments.
    MemoryLayout handle() {
        return this == MPICH ? ValueLayout.JAVA_INT : ValueLayout.JAVA_LONG;
    }

    /// `MPI_THREAD_SERIALIZED`: one call at a time, from any thread.
    int serialized() {
        return this == STANDARD ? 2048 : 2;
    }

    /// `MPI_IN_PLACE`
    long inPlace() {
        return this == MPICH ? -1 : 1;
    }

    /// The handles of a loaded library.
    MpiHandles handles(SymbolLookup library) {
        return switch (this) {
            case OPEN_MPI ->
                    new MpiHandles(
                            address(library, "ompi_mpi_comm_world"),
                            address(library, "ompi_mpi_byte"),
                            address(library, "ompi_mpi_float"),
                            address(library, "ompi_mpi_op_sum"),
                            address(library, "ompi_mpi_errors_return"));
            case STANDARD -> new MpiHandles(0x101, 0x247, 0x210, 0x21, 0x143);
            case MPICH ->
                    new MpiHandles(0x44000000, 0x4c00010d, 0x4c00040a, 0x58000003, 0x54000001);
        };
    }

    private static long address(SymbolLookup library, String name) {
        return library.find(name)
                .map(MemorySegment::address)
                .orElseThrow(() -> new UnsatisfiedLinkError("the library has no " + name));
    }
}
