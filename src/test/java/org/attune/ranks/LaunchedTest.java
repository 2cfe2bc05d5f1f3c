package org.attune.ranks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.CollectiveException;
import org.attune.ranks.Launched.Launcher;
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
}
