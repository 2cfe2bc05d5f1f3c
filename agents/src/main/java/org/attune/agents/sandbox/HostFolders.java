package org.attune.agents.sandbox;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/// Work folders among the system's temporary files, for systems without namespaces. Those of a
/// process that was killed are deleted by the next.
final class HostFolders implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(HostFolders.class);
    private static final String NAME = "attune-work-";
    private static final String LOCK = "lock";

    /// The folders of this process. Its locks end with any channel to the same file that it closes.
    private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

    private final Path folder;
    private final FileChannel lock;
    private final AtomicLong next = new AtomicLong();

    private HostFolders(Path folder, FileChannel lock) {
        this.folder = folder;
        this.lock = lock;
    }

    static HostFolders make() throws IOException {
        Path among = Path.of(System.getProperty("java.io.tmpdir")).toRealPath();
        deleteLeftBehind(among);
        Path folder = Files.createTempDirectory(among, NAME); // for its owner only
        OWN.add(folder);
        FileChannel lock =
                FileChannel.open(
                        folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (lock.tryLock() == null) {
            throw new IOException(folder + " is taken by another process");
        }
        return new HostFolders(folder, lock);
    }

    private static void deleteLeftBehind(Path among) throws IOException {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(among, NAME + "*")) {
            for (Path folder : folders) {
                if (!OWN.contains(folder) && isLeftBehind(folder.resolve(LOCK))) {
                    FolderTree.delete(folder);
                }
            }
        }
    }

    /// A process holds the lock as long as it lives.
    private static boolean isLeftBehind(Path lock) {
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE);
                FileLock held = channel.tryLock()) {
            return held != null;
        } catch (IOException | OverlappingFileLockException e) {
            log.debug("{} is in use, or of another user", lock, e);
            return false;
        }
    }

    /// An empty folder; its name has the same length in each run.
    WorkFolder folder() throws IOException {
        return WorkFolder.in(
                Files.createDirectory(folder.resolve("%010d".formatted(next.incrementAndGet()))));
    }

    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            log.debug("{} can't be closed", folder, e);
        }
        FolderTree.delete(folder);
        OWN.remove(folder);
    }
}
