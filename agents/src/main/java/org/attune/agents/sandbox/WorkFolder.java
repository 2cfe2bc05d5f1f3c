package org.attune.agents.sandbox;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import java.util.stream.Stream;

/// The folder of an episode's programs: made empty, deleted with all that is in it.
public final class WorkFolder implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(WorkFolder.class);

    private final Path path;

    private WorkFolder(Path path) {
        this.path = path;
    }

    /// A new one among the system's temporary files.
    ///
    /// @throws IOException if it can't be made
    public static WorkFolder make() throws IOException {
        // of a fixed length, so that what is shortened around it is the same in each run
        Path path =
                Path.of(System.getProperty("java.io.tmpdir"), "attune-work-" + UUID.randomUUID());
        return new WorkFolder(Files.createDirectory(path, ownersOnly()).toRealPath());
    }

    private static FileAttribute<?>[] ownersOnly() {
        return FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------"))
                }
                : new FileAttribute<?>[0];
    }

    /// Where it is, without links.
    public Path path() {
        return path;
    }

    /// Deletes what is in it.
    ///
    /// @throws IOException if it can't be read
    public void empty() throws IOException {
        try (Stream<Path> inside = Files.list(path)) {
            inside.forEach(WorkFolder::delete);
        }
    }

    /// Deletes it.
    @Override
    public void close() {
        delete(path);
    }

    /// Deletes a folder; follows no links.
    static void delete(Path folder) {
        try {
            Files.walkFileTree(
                    folder,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes of)
                                throws IOException {
                            Files.delete(file);
                            return FileVisitResult.CONTINUE;
                        }

                        // A folder that doesn't let its owner look into it.
                        @Override
                        public FileVisitResult visitFileFailed(Path folder, IOException failed)
                                throws IOException {
                            if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                                    || Files.isReadable(folder)) {
                                throw failed;
                            }
                            Files.setPosixFilePermissions(
                                    folder, PosixFilePermissions.fromString("rwx------"));
                            delete(folder);
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult postVisitDirectory(Path folder, IOException failed)
                                throws IOException {
                            Files.delete(folder);
                            return FileVisitResult.CONTINUE;
                        }
                    });
        } catch (IOException e) {
            log.warn("{} could not be deleted: {}", folder, e.toString());
        }
    }
}
