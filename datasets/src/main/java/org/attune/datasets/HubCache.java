package org.attune.datasets;

import org.attune.error.DatasetException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The local cache of the Hugging Face hub, which Attune reads and never fills.
///
/// @param root the folder that holds `datasets--ORG--NAME`
public record HubCache(Path root) {
    private static final Pattern NAME = Pattern.compile("[\\w.-]+(/[\\w.-]+)?");

    /// The cache that `HF_HUB_CACHE`, `HF_HOME` or the default names, in this order.
    ///
    /// @param environment the process's environment variables
    public static HubCache of(Map<String, String> environment) {
        if (environment.get("HF_HUB_CACHE") != null) {
            return new HubCache(Path.of(environment.get("HF_HUB_CACHE")));
        }
        if (environment.get("HF_HOME") != null) {
            return new HubCache(Path.of(environment.get("HF_HOME"), "hub"));
        }
        return new HubCache(
                Path.of(System.getProperty("user.home"), ".cache", "huggingface", "hub"));
    }

    /// Whether a path could be the name of a hub data set.
    public static boolean isName(String path) {
        return NAME.matcher(path).matches() && !path.startsWith(".");
    }

    /// The folder of a data set's newest snapshot.
    ///
    /// @throws DatasetException if it isn't there, with the command that downloads it
    public Path dataset(String name) {
        Path folder = root.resolve("datasets--" + name.replace("/", "--"));
        return snapshot(folder)
                .orElseThrow(
                        () ->
                                new DatasetException(
                                        "%s is neither a file or folder here nor a data set in %s; download it with `hf download --repo-type dataset %s`"
                                                .formatted(name, root, name)));
    }

    private static Optional<Path> snapshot(Path folder) {
        Path snapshots = folder.resolve("snapshots");
        if (!Files.isDirectory(snapshots)) {
            return Optional.empty();
        }
        try {
            Path main = folder.resolve("refs").resolve("main");
            if (Files.isRegularFile(main)) {
                Path named = snapshots.resolve(Files.readString(main).strip());
                if (Files.isDirectory(named)) {
                    return Optional.of(named);
                }
            }
            try (Stream<Path> all = Files.list(snapshots)) {
                List<Path> byAge =
                        all.filter(Files::isDirectory)
                                .sorted((a, b) -> Long.compare(modified(a), modified(b)))
                                .toList();
                return byAge.isEmpty() ? Optional.empty() : Optional.of(byAge.getLast());
            }
        } catch (IOException e) {
            throw new DatasetException(folder + ": can't be read: " + e.getMessage(), e);
        }
    }

    private static long modified(Path path) {
        return path.toFile().lastModified();
    }
}
