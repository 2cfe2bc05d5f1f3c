package org.attune.cli.doctor;

import org.attune.error.ConfigException;
import org.attune.tensor.library.LibtorchFolder;
import org.attune.tensor.library.LibtorchLoader;
import org.attune.tensor.library.LibtorchSearch;
import org.attune.tensor.library.LibtorchVersion;
import org.attune.trainers.report.Versions;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;

/// Which libtorch a machine has for Attune. Loads none.
///
/// @param environment the process's variables
record LibtorchExamination(Map<String, String> environment) {
    /// Which libtorch a run would use.
    Finding finding() {
        try {
            Optional<LibtorchFolder> named = search().find();
            return named.isPresent() ? libtorch(named.get()) : ownLibtorch();
        } catch (ConfigException e) {
            return Finding.missing("libtorch", e.getMessage());
        }
    }

    private LibtorchSearch search() {
        return new LibtorchSearch(
                environment,
                System.getProperty(LibtorchSearch.PROPERTY),
                LibtorchLoader::hasCudaDriver);
    }

    private static Finding libtorch(LibtorchFolder named) {
        String text =
                "%s, by %s; %s"
                        .formatted(
                                named,
                                named.origin(),
                                named.hasCuda() ? "with CUDA" : "without CUDA");
        Optional<LibtorchVersion> version = named.versionText().flatMap(LibtorchVersion::parse);
        if (version.isEmpty()) {
            return Finding.note("libtorch", text + "; its files don't tell the version");
        }
        return version.get().isUsable()
                ? Finding.ok("libtorch", text)
                : Finding.missing(
                        "libtorch", text + "; Attune uses 2.10 and newer, and 2.7.1, its own");
    }

    private Finding ownLibtorch() {
        Properties versions = Versions.all();
        String version = versions.getProperty("libtorch");
        Path folder = engineCache().resolve("pytorch");
        if (Files.isDirectory(folder)) {
            try (Stream<Path> entries = Files.list(folder)) {
                Optional<Path> found =
                        entries.filter(e -> e.getFileName().toString().startsWith(version + "-"))
                                .findFirst();
                if (found.isPresent()) {
                    return Finding.ok("libtorch", version + " in " + found.get());
                }
            } catch (IOException e) {
                return Finding.note("libtorch", folder + " can't be read: " + e);
            }
        }
        return Examination.isWritable(folder)
                ? Finding.note(
                        "libtorch", version + " is unpacked into " + folder + " when first used")
                : Finding.missing(
                        "libtorch",
                        folder + " can't be written; set ENGINE_CACHE_DIR to a folder that can");
    }

    /// Where DJL unpacks native libraries.
    private Path engineCache() {
        for (String variable : List.of("ENGINE_CACHE_DIR", "DJL_CACHE_DIR")) {
            String folder = environment.getOrDefault(variable, "");
            if (!folder.isBlank()) {
                return Path.of(folder);
            }
        }
        return Path.of(System.getProperty("user.home"), ".djl.ai");
    }

    /// Whether a libtorch for CUDA would be used.
    boolean hasCuda() {
        try {
            return search().find().filter(LibtorchFolder::hasCuda).isPresent();
        } catch (ConfigException e) {
            return false; // said already
        }
    }
}
