package org.attune.files;

import org.attune.error.ModelException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// The folder in which Hugging Face's programs keep what they downloaded. Read only, and never
/// over the network.
///
/// @param root folder that holds `models--ORG--NAME` and `datasets--ORG--NAME`
public record HubCache(Path root) {
    private static final Pattern NAME = Pattern.compile("[\\w.-]+(/[\\w.-]+)?");
    private static final Pattern REVISION = Pattern.compile("[\\w.-]+(/[\\w.-]+)*");

    /// What a repository holds.
    public enum Kind {
        MODELS("models"),
        DATASETS("datasets");

        private final String prefix;

        Kind(String prefix) {
            this.prefix = prefix;
        }
    }

    /// The cache that the process's environment names.
    public static HubCache ofEnvironment() {
        return of(System.getenv(), Path.of(System.getProperty("user.home")));
    }

    /// The cache that an environment names: `HF_HUB_CACHE`, else `HF_HOME/hub`, else
    /// `XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`.
    public static HubCache of(Map<String, String> environment, Path home) {
        for (String variable : new String[] {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
            if (isSet(environment, variable)) {
                return new HubCache(Path.of(environment.get(variable)));
            }
        }
        if (isSet(environment, "HF_HOME")) {
            return new HubCache(Path.of(environment.get("HF_HOME"), "hub"));
        }
        Path caches =
                isSet(environment, "XDG_CACHE_HOME")
                        ? Path.of(environment.get("XDG_CACHE_HOME"))
                        : home.resolve(".cache");
        return new HubCache(caches.resolve("huggingface").resolve("hub"));
    }

    /// Whether a name can be that of a repository: `NAME` or `ORG/NAME`.
    public static boolean isRepositoryName(String name) {
        return NAME.matcher(name).matches() && !name.contains("..");
    }

    /// The downloaded files of a repository, or empty if it isn't in the cache.
    ///
    /// @param name     `ORG/NAME`
    /// @param revision branch, tag or commit, usually `main`
    public Optional<Path> snapshot(Kind kind, String name, String revision) {
        if (!isRepositoryName(name)
                || !REVISION.matcher(revision).matches()
                || revision.contains("..")) {
            return Optional.empty();
        }
        Path repository = root.resolve(kind.prefix + "--" + name.replace("/", "--"));
        Path snapshots = repository.resolve("snapshots");
        Path reference = repository.resolve("refs").resolve(revision);
        try {
            String commit =
                    Files.isRegularFile(reference) ? Files.readString(reference).strip() : revision;
            Path folder = snapshots.resolve(commit).normalize();
            return folder.startsWith(snapshots) && Files.isDirectory(folder)
                    ? Optional.of(folder)
                    : Optional.empty();
        } catch (IOException e) {
            throw new ModelException(reference + " can't be read: " + e.getMessage(), e);
        }
    }

    private static boolean isSet(Map<String, String> environment, String variable) {
        return !environment.getOrDefault(variable, "").isBlank();
    }
}
