package org.attune.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.stream.Stream;

/// Folders that are written whole or not at all: files go into a hidden sibling folder, which
/// [#commit] forces to the disk and renames. Closing without commit deletes the sibling.
/// ```
/// try (AtomicFolder folder = AtomicFolder.create(target)) {
///     AtomicFile.writeText(folder.path().resolve("state.json"), json);
///     folder.commit();
/// }
/// ```
public final class AtomicFolder implements AutoCloseable {
    private final Path target;
    private final Path temporary;
    private boolean committed;

    private AtomicFolder(Path target, Path temporary) {
        this.target = target;
        this.temporary = temporary;
    }

    /// Begins a folder that will stand at `target`; parents are created.
    public static AtomicFolder create(Path target) throws IOException {
        Path absolute = target.toAbsolutePath().normalize();
        Files.createDirectories(absolute.getParent());
        Path temporary = AtomicFile.temporarySibling(absolute);
        Files.createDirectory(temporary);
        return new AtomicFolder(absolute, temporary);
    }

    /// Where to write the folder's files before [#commit].
    public Path path() {
        return temporary;
    }

    /// Forces all files to the disk and renames the folder. A folder that stood at the target is
    /// replaced: it is renamed away first and then deleted. So a process killed between the two
    /// renames leaves the old folder under a name that ends in `.old.tmp`.
    public void commit() throws IOException {
        if (committed) {
            throw new IllegalStateException(target + " is already committed");
        }
        forceTree(temporary);
        Path old = null;
        if (Files.exists(target)) {
            old = temporary.resolveSibling(temporary.getFileName() + ".old.tmp");
            AtomicFile.move(target, old);
        }
        AtomicFile.move(temporary, target);
        committed = true;
        Disk.forceFolder(target.getParent());
        if (old != null) {
            delete(old);
        }
    }

    /// Deletes what was written, unless it was committed.
    @Override
    public void close() throws IOException {
        if (!committed) {
            delete(temporary);
        }
    }

    /// Deletes a folder and everything in it; does nothing if it is absent. The folder is first
    /// renamed, so that no half-deleted folder is ever seen under its name.
    public static void deleteWhole(Path folder) throws IOException {
        Path absolute = folder.toAbsolutePath().normalize();
        Path doomed = AtomicFile.temporarySibling(absolute);
        try {
            AtomicFile.move(absolute, doomed);
        } catch (NoSuchFileException e) {
            return;
        }
        delete(doomed);
    }

    private static void forceTree(Path root) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : (Iterable<Path>) paths::iterator) {
                if (Files.isRegularFile(path)) {
                    try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                        Disk.force(channel, path);
                    }
                } else {
                    Disk.forceFolder(path);
                }
            }
        }
    }

    private static void delete(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(Path folder, IOException failure)
                            throws IOException {
                        if (failure != null) {
                            throw failure;
                        }
                        Files.delete(folder);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
