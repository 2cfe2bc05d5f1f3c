package org.attune.ranks.mpi;

import org.attune.error.CollectiveException;
import org.attune.ranks.Launched;
import org.attune.tensor.mpi.MpiAbi;
import org.attune.tensor.mpi.MpiLibrary;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Finds the MPI library that belongs to the launcher: another one's can't reach the other
/// processes.
final class MpiFiles {
    /// Where distributions put libraries that the system's loader doesn't look for.
    private static final List<String> FOLDERS =
            List.of(
                    "/usr/lib64/openmpi/lib",
                    "/usr/lib64/mpich/lib",
                    "/usr/lib64/mpi/gcc/openmpi4/lib64",
                    "/opt/amazon/openmpi/lib64",
                    "/opt/amazon/openmpi/lib");

    private final Map<String, String> environment;

    MpiFiles(Map<String, String> environment) {
        this.environment = environment;
    }

    /// Loads it.
    ///
    /// @throws CollectiveException if none is there
    MpiLibrary load(Launched.Launcher launcher) {
        String named = environment.getOrDefault("ATTUNE_MPI_LIBRARY", "");
        if (!named.isEmpty()) {
            return loadNamed(named);
        }
        List<String> failures = new ArrayList<>();
        for (MpiAbi abi : order(launcher)) {
            for (String file : places(abi)) {
                try {
                    return MpiLibrary.load(abi, file);
                } catch (IllegalArgumentException | UnsatisfiedLinkError e) {
                    failures.add(file);
                }
            }
        }
        throw new CollectiveException(
                ("no MPI library was found for the launcher that started this process; looked for"
                     + " %s. ATTUNE_MPI_LIBRARY names the library's file, ATTUNE_MPI_HOME a folder"
                     + " with bin and lib in it")
                        .formatted(String.join(", ", failures)));
    }

    private static MpiLibrary loadNamed(String file) {
        try {
            return MpiLibrary.load(interfaceOf(file), file);
        } catch (IllegalArgumentException | UnsatisfiedLinkError e) {
            throw new CollectiveException(
                    ("ATTUNE_MPI_LIBRARY: %s can't be used: %s; accepted are libmpi.so.40 of Open"
                         + " MPI, libmpi_abi.so.1 of any MPI 5, and libmpi.so.12 of MPICH and Intel"
                         + " MPI")
                            .formatted(file, e.getMessage()),
                    e);
        }
    }

    /// The interface of a library by its file's name.
    static MpiAbi interfaceOf(String file) {
        String name = file.substring(file.lastIndexOf('/') + 1);
        if (name.contains("_abi")) {
            return MpiAbi.STANDARD;
        }
        return name.endsWith(".12") || name.contains("mpich") || name.contains("mpi_cray")
                ? MpiAbi.MPICH
                : MpiAbi.OPEN_MPI;
    }

    static List<MpiAbi> order(Launched.Launcher launcher) {
        return switch (launcher) {
            case OPEN_MPI -> List.of(MpiAbi.OPEN_MPI, MpiAbi.STANDARD);
            case PMI -> List.of(MpiAbi.STANDARD, MpiAbi.MPICH, MpiAbi.OPEN_MPI);
            case PMIX -> List.of(MpiAbi.OPEN_MPI, MpiAbi.STANDARD, MpiAbi.MPICH);
            case SLURM ->
                    throw new CollectiveException(
                            "srun started several tasks without a way for them to find each other;"
                                    + " start them with srun --mpi=pmix (or pmi2), or name the"
                                    + " cluster's library in ATTUNE_MPI_LIBRARY");
        };
    }

    /// Files to try, the likeliest first. The last but some is a name alone, for the system's
    /// loader.
    private List<String> places(MpiAbi abi) {
        List<String> places = new ArrayList<>();
        for (String variable : List.of("ATTUNE_MPI_HOME", "OPAL_PREFIX", "MPI_HOME")) {
            folder(environment.getOrDefault(variable, ""), abi).ifPresent(places::add);
        }
        launcherFolder().flatMap(home -> folder(home, abi)).ifPresent(places::add);
        places.add(abi.fileName());
        for (String folder : FOLDERS) {
            Path file = Path.of(folder, abi.fileName());
            if (Files.exists(file)) {
                places.add(file.toString());
            }
        }
        return places;
    }

    private static Optional<String> folder(String home, MpiAbi abi) {
        if (home.isEmpty()) {
            return Optional.empty();
        }
        return List.of("lib", "lib64").stream()
                .map(lib -> Path.of(home, lib, abi.fileName()))
                .filter(Files::exists)
                .map(Path::toString)
                .findFirst();
    }

    /// The folder above the `bin` of the program that started this process.
    private static Optional<String> launcherFolder() {
        return ProcessHandle.current()
                .parent()
                .flatMap(parent -> parent.info().command())
                .map(Path::of)
                .map(Path::getParent)
                .map(Path::getParent)
                .map(Path::toString);
    }
}
