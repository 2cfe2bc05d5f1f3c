package org.attune.files;

import org.attune.error.HubException;
import org.attune.error.ModelException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// The folder in which Hugging Face's programs keep what they downloaded, and what brings more.
///
/// @param root folder that holds `models--ORG--NAME` and `datasets--ORG--NAME`
/// @param source asked for what isn't there
public record HubCache(Path root, Source source) {
    private static final Pattern NAME =
            Pattern.compile("[\\w.-]+(/[\\w.-]+)?(@[\\w.-]+(/[\\w.-]+)*)?");
    private static final Pattern REVISION = Pattern.compile("[\\w.-]+(/[\\w.-]+)*");

    /// The revision where none is named.
    public static final String MAIN = "main";

    /// Brings repositories into the cache.
    @FunctionalInterface
    public interface Source {
        /// Downloads what is missing.
        ///
        /// @param name     `ORG/NAME`
        /// @param revision branch, tag or commit
        /// @return the folder of the downloaded files
        /// @throws HubException saying why not, and what to do
        Path bring(HubCache cache, Kind kind, String name, String revision);
    }

    /// A cache that nothing is brought into.
    public HubCache(Path root) {
        this(root, HubCache::nothing);
    }

    private static Path nothing(HubCache cache, Kind kind, String name, String revision) {
        throw new HubException(
                "revision %s of %s is not in the local Hugging Face cache %s; download it with `attune download %s`"
                        .formatted(
                                revision,
                                name,
                                cache.root,
                                (kind == Kind.DATASETS ? "--dataset " : "")
                                        + name
                                        + (revision.equals(MAIN) ? "" : "@" + revision)));
    }

    /// This cache with something that brings what is missing.
    public HubCache with(Source other) {
        return new HubCache(root, other);
    }

    /// What a repository holds.
    public enum Kind {
        MODELS("models"),
        DATASETS("datasets");

        private final String prefix;

        Kind(String prefix) {
            this.prefix = prefix;
        }

        /// The kind's name in addresses and names of folders.
        public String prefix() {
            return prefix;
        }
    }

    /// The cache that an environment names: `HF_HUB_CACHE`, else `HF_HOME/hub`, else
    /// `XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`.
    public static HubCache of(Map<String, String> environment, Path home) {
        for (String variable : new String[] {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
            if (isSet(environment, variable)) {
                return new HubCache(Path.of(environment.get(variable)));
            }
        }
        return new HubCache(home(environment, home).resolve("hub"));
    }

    /// Hugging Face's folder: `HF_HOME`, else `XDG_CACHE_HOME/huggingface`, else
    /// `~/.cache/huggingface`.
    public static Path home(Map<String, String> environment, Path home) {
        if (isSet(environment, "HF_HOME")) {
            return Path.of(environment.get("HF_HOME"));
        }
        Path caches =
                isSet(environment, "XDG_CACHE_HOME")
                        ? Path.of(environment.get("XDG_CACHE_HOME"))
                        : home.resolve(".cache");
        return caches.resolve("huggingface");
    }

    /// Whether a name can be that of a repository: `NAME` or `ORG/NAME`, with `@REVISION` or
    /// without.
    public static boolean isRepositoryName(String name) {
        return NAME.matcher(name).matches() && !name.contains("..");
    }

    /// The files of a repository: those in the cache if they are whole, else what is brought.
    ///
    /// @param name     `ORG/NAME`, or `ORG/NAME@REVISION`
    /// @param revision where the name has none; usually [#MAIN]
    /// @throws HubException saying why they are not there and what to do
    public Path find(Kind kind, String name, String revision) {
        int at = name.indexOf('@');
        String repository = at < 0 ? name : name.substring(0, at);
        String wanted = at < 0 ? revision : name.substring(at + 1);
        if (at >= 0 && !revision.equals(MAIN) && !revision.equals(wanted)) {
            throw new HubException(
                    "%s names revision %s, but revision %s is set too; leave out one"
                            .formatted(name, wanted, revision));
        }
        Optional<Path> cached = snapshot(kind, repository, wanted);
        if (cached.isPresent() && SnapshotFiles.areWhole(kind, cached.get())) {
            return cached.get();
        }
        try {
            return source.bring(this, kind, repository, wanted);
        } catch (HubException e) {
            return cached.orElseThrow(() -> e); // of what lacks is told by who reads it
        }
    }

    /// The folder of a repository.
    ///
    /// @param name `ORG/NAME`
    public Path repository(Kind kind, String name) {
        return root.resolve(folderName(kind, name));
    }

    /// The folder of locks, which all programs that write to the cache take.
    public Path locks(Kind kind, String name) {
        return root.resolve(".locks").resolve(folderName(kind, name));
    }

    private static String folderName(Kind kind, String name) {
        return kind.prefix + "--" + name.replace("/", "--");
    }

    /// The downloaded files of a repository, or empty if it isn't in the cache.
    ///
    /// @param name     `ORG/NAME`
    /// @param revision branch, tag or commit, usually `main`
    public Optional<Path> snapshot(Kind kind, String name, String revision) {
        if (!isRepositoryName(name)
                || name.contains("@")
                || !REVISION.matcher(revision).matches()
                || revision.contains("..")) {
            return Optional.empty();
        }
        Path repository = repository(kind, name);
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
