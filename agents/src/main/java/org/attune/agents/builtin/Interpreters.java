package org.attune.agents.builtin;

import org.attune.agents.sandbox.ProgramCommand;
import org.attune.agents.sandbox.PythonHome;
import org.attune.agents.sandbox.SourceFile;
import org.attune.agents.sandbox.WorkFolder;
import org.attune.error.ConfigException;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Programs of this machine that run code.
final class Interpreters {
    private static final long MIB = 1L << 20;

    /// Python seeds the hashes of a set at random otherwise; libraries start a thread per core; the
    /// C library sets 64 MiB of addresses aside for each thread that allocates memory.
    private static final Map<String, String> FOR_PYTHON =
            Map.of(
                    "PYTHONHASHSEED", "0",
                    "PYTHONDONTWRITEBYTECODE", "1",
                    "PYTHONUNBUFFERED", "1",
                    "PYTHONIOENCODING", "utf-8",
                    "MALLOC_ARENA_MAX", "1",
                    "OMP_NUM_THREADS", "1",
                    "OPENBLAS_NUM_THREADS", "1");

    private final Optional<PythonHome> python;
    private final List<Path> modules;
    private final Path shell;
    private final Path java;

    private Interpreters(Optional<PythonHome> python, List<Path> modules, Path shell, Path java) {
        this.python = python;
        this.modules = modules;
        this.shell = shell;
        this.java = java;
    }

    /// Finds those of the languages.
    ///
    /// @param chosen a Python that is to be taken instead of the first on the path
    /// @param read what programs may read, in which Python looks for modules
    /// @throws ConfigException if one is missing
    static Interpreters find(Set<Language> languages, Optional<Path> chosen, List<Path> read)
            throws InterruptedException {
        Optional<PythonHome> python =
                !languages.contains(Language.PYTHON)
                        ? Optional.empty()
                        : chosen.isPresent() ? PythonHome.ask(chosen.get()) : PythonHome.find();
        if (languages.contains(Language.PYTHON) && python.isEmpty()) {
            throw new ConfigException(
                    "the tool \"python\" needs a Python 3: %s. Install one, or name it by 'program'."
                            .formatted(
                                    chosen.map(path -> path + " is none")
                                            .orElse(
                                                    "no python3 and no python of the search path is"
                                                            + " one")));
        }
        Path shell = Path.of(Files.isExecutable(Path.of("/bin/bash")) ? "/bin/bash" : "/bin/sh");
        if (languages.contains(Language.SH) && !Files.isExecutable(shell)) {
            throw new ConfigException(
                    "the tool \"sh\" needs /bin/bash or /bin/sh; there is neither");
        }
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        if (languages.contains(Language.JAVA)
                && !Files.isExecutable(java.resolveSibling("javac"))) {
            throw new ConfigException(
                    "the tool \"java\" compiles what it runs; %s has no compiler, a JDK has one"
                            .formatted(System.getProperty("java.home")));
        }
        return new Interpreters(python, read, shell, java);
    }

    /// What programs read besides the system's own files.
    List<Path> folders() {
        return python.map(PythonHome::folders).orElse(List.of());
    }

    /// Runs a file of code.
    ///
    /// @param memory bytes that a process may take
    ProgramCommand run(Language language, WorkFolder work, SourceFile file, long memory) {
        String path = work.code().resolve(file.name()).toString();
        return switch (language) {
            case PYTHON -> python(List.of(path), Optional.of(file), work);
            case SH -> shell(List.of(path), Optional.of(file));
            case JAVA ->
                    new ProgramCommand(
                            List.of(
                                    java.toString(),
                                    "-Xmx%dm".formatted(memory / 2 / MIB),
                                    "-XX:+UseSerialGC",
                                    "-XX:TieredStopAtLevel=1",
                                    "-XX:ReservedCodeCacheSize=32m",
                                    "-XX:-UsePerfData",
                                    "-XX:ErrorFile=/dev/null",
                                    "-Djava.io.tmpdir=" + work.temporary(),
                                    path),
                            Optional.of(file),
                            Map.of(),
                            true);
        };
    }

    /// An interpreter that takes one piece of code after the other.
    ///
    /// @param driver for Python, the program that does
    ProgramCommand session(Language language, WorkFolder work, String driver) {
        return switch (language) {
            case PYTHON -> python(List.of("-c", driver), Optional.empty(), work);
            case SH -> shell(List.of(), Optional.empty());
            case JAVA -> throw new IllegalArgumentException("Java has no sessions");
        };
    }

    private ProgramCommand python(
            List<String> arguments, Optional<SourceFile> file, WorkFolder work) {
        List<String> command = new ArrayList<>(List.of(python.orElseThrow().program().toString()));
        command.addAll(arguments);
        Map<String, String> environment = new HashMap<>(FOR_PYTHON);
        // modules that earlier calls wrote, and those that are installed into what may be read
        environment.put(
                "PYTHONPATH",
                Stream.concat(Stream.of(work.path()), modules.stream())
                        .map(folder -> folder.toAbsolutePath().toString())
                        .collect(Collectors.joining(File.pathSeparator)));
        return new ProgramCommand(command, file, environment, false);
    }

    private ProgramCommand shell(List<String> arguments, Optional<SourceFile> file) {
        List<String> command = new ArrayList<>(List.of(shell.toString()));
        command.addAll(arguments);
        return new ProgramCommand(command, file, Map.of(), true); // maybe a compiler
    }
}
