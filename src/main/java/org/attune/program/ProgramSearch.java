package org.attune.program;

import org.attune.error.Spelling;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Looks for the programs that users name as starting them does, so that a missing one is told
/// before anything is loaded.
public final class ProgramSearch {
    private ProgramSearch() {}

    /// The file that starting a program would run.
    ///
    /// @param program a path, or a name that the search path is looked through for
    /// @param directory in which it would run, where a path starts
    /// @return empty if it can't be started
    public static Optional<Path> find(String program, Path directory) {
        return places(program, directory).filter(ProgramSearch::isProgram).findFirst();
    }

    /// What is wrong with a program that can't be started, and what to do.
    ///
    /// @return empty if it can be
    public static Optional<String> problem(String program, Path directory) {
        if (find(program, directory).isPresent()) {
            return Optional.empty();
        }
        Optional<Path> there = places(program, directory).filter(Files::exists).findFirst();
        if (there.isPresent()) {
            return Optional.of(
                    Files.isDirectory(there.get())
                            ? "%s is a folder, not a program".formatted(there.get())
                            : "%s is not executable; make it so by chmod +x, or begin with the program that reads it, as [sh, %s]"
                                    .formatted(there.get(), program));
        }
        if (isPath(program)) {
            return Optional.of(
                    "there is no program %s; write a path that starts at %s, or an absolute one"
                            .formatted(
                                    directory.toAbsolutePath().resolve(program).normalize(),
                                    directory.toAbsolutePath()));
        }
        return Optional.of(
                "there is no program \"%s\" in the folders of PATH%s; install it, or write its path"
                        .formatted(
                                program,
                                Spelling.nearest(program, names())
                                        .map(near -> ", did you mean \"" + near + "\"?")
                                        .orElse("")));
    }

    private static Stream<Path> places(String program, Path directory) {
        return isPath(program)
                ? Stream.of(directory.toAbsolutePath().resolve(program).normalize())
                : searched().map(folder -> folder.resolve(program));
    }

    private static boolean isPath(String program) {
        return program.contains("/");
    }

    private static boolean isProgram(Path file) {
        return Files.isRegularFile(file) && Files.isExecutable(file);
    }

    private static Stream<Path> searched() {
        String path = System.getenv().getOrDefault("PATH", "/usr/bin:/bin");
        return Arrays.stream(path.split(File.pathSeparator)).map(Path::of);
    }

    private static List<String> names() {
        List<String> names = new ArrayList<>();
        searched()
                .forEach(
                        folder -> {
                            try (Stream<Path> files = Files.list(folder)) {
                                files.forEach(file -> names.add(file.getFileName().toString()));
                            } catch (IOException _) {
                                // a folder of the search path needn't be there
                            }
                        });
        return names;
    }
}
