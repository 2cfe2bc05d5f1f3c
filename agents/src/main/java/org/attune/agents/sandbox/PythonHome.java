package org.attune.agents.sandbox;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A Python that is installed: its program itself, behind links and scripts that choose one, and
/// the folders of its library.
///
/// @param program as an absolute path
/// @param folders to be readable for it
public record PythonHome(Path program, List<Path> folders) {
    private static final Logger log = LoggerFactory.getLogger(PythonHome.class);
    private static final int SECONDS = 20;
    private static final String WHERE =
            "import sys; print('\\n"
                    + "'.join([sys.executable, sys.prefix, sys.base_prefix, sys.exec_prefix]))";

    public PythonHome {
        folders = List.copyOf(folders);
    }

    /// The first of `python3` and `python` on the path of this process that is a Python 3.
    ///
    /// @throws InterruptedException if the caller is to stop
    public static Optional<PythonHome> find() throws InterruptedException {
        String path = System.getenv().getOrDefault("PATH", "/usr/bin:/bin");
        for (String name : List.of("python3", "python")) {
            for (String folder : path.split(File.pathSeparator)) {
                Path program = Path.of(folder).resolve(name);
                if (Files.isExecutable(program)) {
                    Optional<PythonHome> home = ask(program);
                    if (home.isPresent()) {
                        return home;
                    }
                }
            }
        }
        return Optional.empty();
    }

    /// Asks a program that says it is Python.
    ///
    /// @return nothing if it is no Python 3
    /// @throws InterruptedException if the caller is to stop
    public static Optional<PythonHome> ask(Path program) throws InterruptedException {
        try {
            Process process =
                    new ProcessBuilder(program.toString(), "-I", "-c", WHERE)
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            process.getOutputStream().close();
            if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return Optional.empty();
            }
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            List<String> lines = output.lines().toList();
            if (process.exitValue() != 0 || lines.size() != 4) {
                return Optional.empty();
            }
            List<Path> folders =
                    Stream.concat(lines.stream().skip(1).map(Path::of), real(lines.getFirst()))
                            .filter(folder -> !folder.startsWith("/usr"))
                            .distinct()
                            .toList();
            return Optional.of(new PythonHome(Path.of(lines.getFirst()), folders));
        } catch (IOException e) {
            log.debug("{} is no Python", program, e);
            return Optional.empty();
        }
    }

    /// A virtual environment's program is a link to another's.
    private static Stream<Path> real(String program) throws IOException {
        return Stream.of(Path.of(program).toRealPath());
    }
}
