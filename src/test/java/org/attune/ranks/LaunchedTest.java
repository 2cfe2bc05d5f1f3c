package org.attune.ranks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.CollectiveException;
import org.attune.ranks.Launched.Launcher;
import org.attune.tensor.mpi.MpiAbi;
import org.junit.jupiter.api.Test;

import java.util.Map;
import java.util.Optional;

final class LaunchedTest {
    @Test
    void knowsLaunchersByTheirVariables() {
        assertEquals(Optional.empty(), Launched.by(Map.of("PATH", "/bin")));
        assertEquals(
                Optional.of(new Launched(2, 4, Launcher.OPEN_MPI)),
                Launched.by(Map.of("OMPI_COMM_WORLD_RANK", "2", "OMPI_COMM_WORLD_SIZE", "4")));
        assertEquals(
                Optional.of(new Launched(0, 3, Launcher.PMI)),
                Launched.by(Map.of("PMI_RANK", "0", "PMI_SIZE", "3")));
        Map<String, String> step = Map.of("SLURM_PROCID", "5", "SLURM_STEP_NUM_TASKS", "8");
        assertEquals(Optional.of(new Launched(5, 8, Launcher.SLURM)), Launched.by(step));
    }

    @Test
    void tellsWaysOfSlurmApart() {
        assertEquals(
                Optional.of(new Launched(1, 2, Launcher.PMIX)),
                Launched.by(
                        Map.of(
                                "SLURM_PROCID", "1",
                                "SLURM_STEP_NUM_TASKS", "2",
                                "PMIX_RANK", "1")));
        assertEquals(
                Optional.of(new Launched(1, 2, Launcher.PMI)),
                Launched.by(
                        Map.of(
                                "SLURM_PROCID", "1",
                                "SLURM_STEP_NUM_TASKS", "2",
                                "PMI_RANK", "1")));
        // a script of sbatch has the job's number of tasks in its environment, and is alone
        assertEquals(
                Optional.empty(), Launched.by(Map.of("SLURM_PROCID", "0", "SLURM_NTASKS", "8")));
    }

    @Test
    void refusesWhatMakesNoSense() {
        var failure =
                assertThrows(
                        CollectiveException.class,
                        () -> Launched.by(Map.of("PMI_RANK", "x", "PMI_SIZE", "3")));
        assertEquals(
                "the environment's PMI_RANK is 'x'; a launcher sets it to a number",
                failure.getMessage());
        assertThrows(
                CollectiveException.class,
                () -> Launched.by(Map.of("PMI_RANK", "3", "PMI_SIZE", "3")));
    }

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
