package org.attune.ranks.mpi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.CollectiveException;
import org.attune.ranks.Launched.Launcher;
import org.attune.tensor.mpi.MpiAbi;
import org.junit.jupiter.api.Test;

import java.util.Map;

final class MpiFilesTest {
    @Test
    void takesTheLibraryOfTheLauncher() {
        assertEquals(MpiAbi.OPEN_MPI, MpiFiles.order(Launcher.OPEN_MPI).getFirst());
        assertEquals(MpiAbi.STANDARD, MpiFiles.order(Launcher.PMI).getFirst());
        assertEquals(MpiAbi.OPEN_MPI, MpiFiles.interfaceOf("/opt/x/libmpi.so.40"));
        assertEquals(MpiAbi.STANDARD, MpiFiles.interfaceOf("libmpi_abi.so.1"));
        assertEquals(MpiAbi.MPICH, MpiFiles.interfaceOf("/opt/intel/lib/libmpi.so.12"));
        assertEquals(MpiAbi.MPICH, MpiFiles.interfaceOf("/opt/cray/lib/libmpi_cray.so.12"));
    }

    @Test
    void saysWhatCanBeDoneWhereNoLibraryIs() {
        var named = new MpiFiles(Map.of("ATTUNE_MPI_LIBRARY", "/nowhere/libmpi.so.40"));
        var failure = assertThrows(CollectiveException.class, () -> named.load(Launcher.PMI));
        assertTrue(failure.getMessage().startsWith("ATTUNE_MPI_LIBRARY: /nowhere/libmpi.so.40"));
        var none = new MpiFiles(Map.of());
        failure = assertThrows(CollectiveException.class, () -> none.load(Launcher.SLURM));
        assertTrue(failure.getMessage().contains("srun --mpi=pmix"), failure.getMessage());
    }
}
