package org.attune.tensor.library;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// A folder with libtorch's libraries.
///
/// @param folder where `libtorch_cpu` is
/// @param origin what led there, e.g. `ATTUNE_LIBTORCH`
public record LibtorchFolder(Path folder, String origin) {
    private static final Pattern IN_PYTHON =
            Pattern.compile("__version__\\s*=\\s*['\"]([^'\"]+)['\"]");

    /// Finds it where users point to: at the libraries themselves, at pip's package `torch`, at an
    /// unpacked libtorch, or at a Python environment.
    ///
    /// @param given a folder
    /// @param origin what gave it
    public static Optional<LibtorchFolder> within(Path given, String origin) {
        return places(given.toAbsolutePath().normalize()).stream()
                .filter(place -> Files.isRegularFile(library(place, "torch_cpu")))
                .map(place -> new LibtorchFolder(place, origin))
                .findFirst();
    }

    private static List<Path> places(Path given) {
        List<Path> places = new ArrayList<>(List.of(given));
        Path lib = given.resolve("lib");
        if (Files.isDirectory(lib)) {
            try (Stream<Path> entries = Files.list(lib)) {
                entries.filter(e -> e.getFileName().toString().startsWith("python3"))
                        .sorted()
                        .map(e -> e.resolve("site-packages").resolve("torch").resolve("lib"))
                        .forEach(places::add);
            } catch (IOException _) {
                // a folder that can't be read has nothing to use
            }
        }
        places.add(given.resolve("torch").resolve("lib"));
        places.add(lib);
        return places;
    }

    static Path library(Path folder, String name) {
        return folder.resolve(System.mapLibraryName(name));
    }

    Path library(String name) {
        return library(folder, name);
    }

    /// The version as its files tell it, with the build's name, e.g. `2.11.0+cu130`; empty if they
    /// don't.
    public Optional<String> versionText() {
        Path above = folder.getParent();
        try {
            Path python = above.resolve("version.py"); // of pip's package
            if (Files.isRegularFile(python)) {
                Matcher version = IN_PYTHON.matcher(Files.readString(python));
                return version.find() ? Optional.of(version.group(1)) : Optional.empty();
            }
            Path build = above.resolve("build-version"); // of an unpacked libtorch
            return Files.isRegularFile(build)
                    ? Optional.of(Files.readString(build).strip())
                    : Optional.empty();
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    /// Whether the libraries for CUDA are there.
    public boolean hasCuda() {
        return Files.isRegularFile(library("torch_cuda"));
    }

    @Override
    public String toString() {
        return versionText().map(v -> v + " in ").orElse("") + folder;
    }
}
