package org.attune.ranks;

import org.attune.error.CollectiveException;

import java.util.Map;
import java.util.Optional;

/// What a launcher of parallel jobs told this process.
///
/// @param rank this process's number
/// @param size number of processes, ≥ 1
/// @param launcher whose variables say so
public record Launched(int rank, int size, Launcher launcher) {
    /// Kinds of launchers.
    public enum Launcher {
        /// `mpirun` of Open MPI.
        OPEN_MPI,
        /// `mpiexec` of MPICH, Intel MPI and others, or `srun --mpi=pmi2`.
        PMI,
        /// `srun --mpi=pmix`
        PMIX,
        /// `srun` without a way for the processes to find each other that is known here.
        SLURM
    }

    public Launched {
        if (size < 1 || rank < 0 || rank >= size) {
            throw new CollectiveException(
                    "the launcher says that this is rank %d of %d; ranks are 0 to size - 1"
                            .formatted(rank, size));
        }
    }

    /// What the environment says, if a launcher started this process.
    ///
    /// @throws CollectiveException if what it says makes no sense
    public static Optional<Launched> by(Map<String, String> environment) {
        if (environment.containsKey("OMPI_COMM_WORLD_SIZE")) {
            return of(
                    environment, Launcher.OPEN_MPI, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE");
        }
        if (environment.containsKey("PMI_SIZE") && environment.containsKey("PMI_RANK")) {
            return of(environment, Launcher.PMI, "PMI_RANK", "PMI_SIZE");
        }
        if (!environment.containsKey("SLURM_STEP_NUM_TASKS")) {
            return Optional.empty();
        }
        // Scripts that sbatch starts are a step of one task.
        Launcher launcher =
                environment.containsKey("PMIX_RANK")
                        ? Launcher.PMIX
                        : environment.containsKey("PMI_RANK") ? Launcher.PMI : Launcher.SLURM;
        return of(environment, launcher, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS");
    }

    private static Optional<Launched> of(
            Map<String, String> environment, Launcher launcher, String rank, String size) {
        return Optional.of(
                new Launched(number(environment, rank), number(environment, size), launcher));
    }

    private static int number(Map<String, String> environment, String name) {
        String value = environment.getOrDefault(name, "");
        if (!value.matches("\\d{1,7}")) {
            throw new CollectiveException(
                    "the environment's %s is '%s'; a launcher sets it to a number"
                            .formatted(name, value));
        }
        return Integer.parseInt(value);
    }

    /// Whether there are other processes.
    public boolean isParallel() {
        return size > 1;
    }
}
