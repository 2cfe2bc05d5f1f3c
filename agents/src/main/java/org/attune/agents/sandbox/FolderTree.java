package org.attune.agents.sandbox;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/// Deletes folders that programs made: those too deep for a path, and those that nobody may enter.
final class FolderTree {
    private static final Logger log = LoggerFactory.getLogger(FolderTree.class);

    private FolderTree() {}

    /// Deletes a folder; follows no links.
    static void delete(Path folder) {
        try {
            empty(folder);
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            log.warn("{} could not be deleted: {}", folder, e.toString());
        }
    }

    /// Deletes what is in a folder; follows no links.
    static void empty(Path folder) throws IOException {
        List<Path> inside;
        do {
            try (Stream<Path> listed = Files.list(folder)) {
                inside = listed.toList();
            }
            for (Path entry : inside) {
                if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    flatten(entry, folder);
                }
                Files.deleteIfExists(entry);
            }
        } while (!inside.isEmpty());
    }

    /// Deletes the files of a folder, and moves its folders up, so that no path becomes long.
    private static void flatten(Path folder, Path up) throws IOException {
        open(folder);
        try (DirectoryStream<Path> inside = Files.newDirectoryStream(folder)) {
            for (Path entry : inside) {
                if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    open(entry);
                    Files.move(entry, up.resolve(UUID.randomUUID().toString()));
                } else {
                    Files.delete(entry);
                }
            }
        }
    }

    private static void open(Path folder) throws IOException {
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
    }
}
