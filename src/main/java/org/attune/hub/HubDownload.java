package org.attune.hub;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.HubException;
import org.attune.files.AtomicFile;
import org.attune.files.HubCache;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Downloads repositories into the cache that Hugging Face's programs share:
/// `models--ORG--NAME/blobs/HASH` are contents, `snapshots/COMMIT/FILE` links to them, and
/// `refs/REVISION` holds the commit of a branch or tag. The reference is written last, after the
/// links, after the contents: whatever ends a download, a name leads to whole files or to none.
@Api(EXPERIMENTAL)
public final class HubDownload {
    private static final Logger LOG = LoggerFactory.getLogger(HubDownload.class);
    private static final String TAG =
            """
            Signature: 8a477f597d28d172789f06886806bc55
            # This file marks a cache of downloaded files.
            """;

    private final HubSettings settings;
    private final HubCache cache;
    private final Progress progress;

    /// Told how a download goes.
    public interface Progress {
        /// What will be downloaded.
        ///
        /// @param files that are not in the cache
        /// @param bytes of them that are missing
        void start(HubRepository repository, int files, long bytes, Path folder);

        /// Bytes that came; negative if some have to come again.
        default void received(long bytes) {}

        /// A line in the log.
        static Progress logged() {
            return (repository, files, bytes, folder) ->
                    LOG.info(
                            "downloading {}: {} file{}, {} to {}",
                            repository,
                            files,
                            files == 1 ? "" : "s",
                            size(bytes),
                            folder);
        }
    }

    public HubDownload(HubSettings settings, HubCache cache, Progress progress) {
        this.settings = settings;
        this.cache = cache;
        this.progress = progress;
    }

    /// The cache of the process's environment, which downloads what it hasn't.
    public static HubCache cache() {
        return cache(System.getenv());
    }

    /// The cache of an environment, which downloads what it hasn't.
    ///
    /// @param environment variables as the run sees them
    public static HubCache cache(Map<String, String> environment) {
        Path home = Path.of(System.getProperty("user.home"));
        HubCache.Source source =
                (cache, kind, name, revision) ->
                        new HubDownload(HubSettings.of(environment, home), cache, Progress.logged())
                                .fetch(
                                        new HubRepository(kind, name, revision),
                                        WantedFiles.standard());
        return HubCache.of(environment, home).with(source);
    }

    /// Downloads what of a repository is wanted and not there yet.
    ///
    /// @return the folder of its files
    /// @throws HubException saying what to do
    public Path fetch(HubRepository repository, WantedFiles wanted) {
        if (settings.offline()) {
            throw HubErrors.offline(repository, cache);
        }
        var client = new HubClient(settings);
        HubTree tree = HubTree.read(client, repository);
        List<HubFile> files = wanted.of(repository, tree.files());
        Path folder = cache.repository(repository.kind(), repository.name());
        Path snapshot = folder.resolve("snapshots").resolve(tree.commit());
        try {
            contents(client, repository, tree, files, folder);
            for (HubFile file : files) {
                link(snapshot, file, folder);
            }
            if (!repository.revision().equals(tree.commit())) {
                Path reference = folder.resolve("refs").resolve(repository.revision()).normalize();
                if (!reference.startsWith(folder.resolve("refs"))) {
                    throw new HubException(repository.revision() + " is no revision's name");
                }
                Files.createDirectories(reference.getParent());
                AtomicFile.writeText(reference, tree.commit());
            }
            return snapshot;
        } catch (IOException e) {
            throw new HubException(
                    "%s can't be written to %s: %s; free space, or set HF_HUB_CACHE to another folder"
                            .formatted(repository, cache.root(), e),
                    e);
        }
    }

    private void contents(
            HubClient client,
            HubRepository repository,
            HubTree tree,
            List<HubFile> files,
            Path folder)
            throws IOException {
        Path blobs = Files.createDirectories(folder.resolve("blobs"));
        try { // two downloads may begin at once
            Files.writeString(
                    cache.root().resolve("CACHEDIR.TAG"), TAG, StandardOpenOption.CREATE_NEW);
        } catch (FileAlreadyExistsException e) {
            // It is there.
        }
        List<HubFile> missing =
                files.stream().filter(f -> !Files.exists(blobs.resolve(f.hash()))).toList();
        if (missing.isEmpty()) {
            return;
        }
        long bytes = 0;
        for (HubFile file : missing) {
            Path part = blobs.resolve(file.hash() + BlobDownload.PART);
            bytes +=
                    file.size()
                            - (Files.exists(part) ? Math.min(Files.size(part), file.size()) : 0);
        }
        requireSpace(bytes);
        progress.start(repository, missing.size(), bytes, folder);
        Path locks = cache.locks(repository.kind(), repository.name());
        for (HubFile file : missing) {
            Path blob = blobs.resolve(file.hash());
            try (var _ = CacheLock.take(locks.resolve(file.hash() + ".lock"))) {
                if (!Files.exists(blob)) {
                    new BlobDownload(client, repository.at(tree.commit()), file, blob)
                            .run(progress::received);
                }
            }
        }
    }

    private void requireSpace(long bytes) throws IOException {
        long free = Files.getFileStore(cache.root()).getUsableSpace();
        if (free < bytes) {
            throw new IOException(
                    "%s are missing, and %s are free".formatted(size(bytes), size(free)));
        }
    }

    /// Makes a file's link; where there are none, copies the content into its place.
    private static void link(Path snapshot, HubFile file, Path folder) throws IOException {
        Path place = snapshot.resolve(file.path()).normalize();
        if (!place.startsWith(snapshot)) {
            throw new IOException("the server names a file outside of the repository");
        }
        if (Files.exists(place)) {
            return;
        }
        Files.createDirectories(place.getParent());
        if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            Files.deleteIfExists(place); // a link to what was deleted
        }
        Path blob = folder.resolve("blobs").resolve(file.hash());
        try {
            Files.createSymbolicLink(place, place.getParent().relativize(blob));
        } catch (FileAlreadyExistsException e) {
            LOG.debug("another download has made {}", place);
        } catch (UnsupportedOperationException | IOException e) {
            LOG.debug("{} is no link: {}", place, e.toString());
            copy(blob, place);
        }
    }

    private static void copy(Path blob, Path place) throws IOException {
        try (var content = FileChannel.open(blob)) {
            AtomicFile.write(
                    place,
                    channel -> {
                        long size = content.size();
                        for (long at = 0; at < size; ) {
                            at += content.transferTo(at, size - at, channel);
                        }
                    });
        }
    }

    /// Bytes for a reader.
    public static String size(long bytes) {
        double value = bytes;
        String[] units = {"B", "kB", "MB", "GB", "TB"};
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    }
}
