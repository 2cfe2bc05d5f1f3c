package org.attune.agents.sandbox;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

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
        return new WorkFolder(Files.createTempDirectory("attune-work-").toRealPath());
    }

    /// Where it is, without links.
    public Path path() {
        return path;
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
