package org.attune.trainers.report;

import org.attune.error.ConfigException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/// Locks an `output_dir`, so that one run writes to it. The operating system holds the lock and
/// drops it when the process ends, however it ends, so a killed run stands in nobody's way. The
/// file says who holds it, and goes with its run.
final class RunLock implements AutoCloseable {
    static final String NAME = ".attune-lock";

    private static final Logger LOG = LoggerFactory.getLogger(RunLock.class);

    private final Path file;
    private final Optional<FileChannel> channel;

    private RunLock(Path file, Optional<FileChannel> channel) {
        this.file = file;
        this.channel = channel;
    }

    /// @param outputDir an existing folder
    /// @throws ConfigException naming the process that writes there
    static RunLock take(Path outputDir) throws IOException {
        Path file = outputDir.resolve(NAME);
        while (true) {
            Optional<RunLock> lock = tryOnce(outputDir, file);
            if (lock.isPresent()) {
                return lock.get();
            }
        }
    }

    /// Empty where the file was deleted by its holder between opening and locking.
    private static Optional<RunLock> tryOnce(Path outputDir, Path file) throws IOException {
        FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        boolean held = false;
        try {
            Optional<Object> before = key(file);
            FileLock lock = lock(channel);
            if (lock == null) {
                throw taken(outputDir, file);
            }
            held = isStillThere(file, before);
            if (held) {
                write(channel, holder());
            }
            return held ? Optional.of(new RunLock(file, Optional.of(channel))) : Optional.empty();
        } catch (NoLocksException e) {
            LOG.warn(
                    "{} is on a file system without locks ({}), so nothing keeps a second run out"
                            + " of it",
                    outputDir,
                    e.getMessage());
            return Optional.of(new RunLock(file, Optional.empty()));
        } finally {
            if (!held) {
                channel.close();
            }
        }
    }

    /// Null if another one holds it, in this process or elsewhere.
    private static FileLock lock(FileChannel channel) {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        } catch (IOException e) {
            throw new NoLocksException(e);
        }
    }

    private static final class NoLocksException extends RuntimeException {
        private static final long serialVersionUID = 1;

        NoLocksException(IOException cause) {
            super(cause.getMessage(), cause);
        }
    }

    private static void write(FileChannel channel, String text) throws IOException {
        channel.truncate(0);
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /// Whether a file is the one that was locked. It isn't read: closing a file drops all of a
    /// process's locks on it.
    private static boolean isStillThere(Path file, Optional<Object> before) throws IOException {
        return before.isPresent() && before.equals(key(file));
    }

    /// What tells a file from another one of the same name; empty if there is none.
    private static Optional<Object> key(Path file) throws IOException {
        try {
            Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
            return Optional.of(key == null ? file : key); // Windows keeps what is open
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> read(Path file) throws IOException {
        try {
            return Optional.of(Files.readString(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static String holder() {
        return "process %d on %s, since %s\n"
                .formatted(
                        ProcessHandle.current().pid(),
                        RunProcess.currentHost(),
                        Instant.now().truncatedTo(ChronoUnit.SECONDS));
    }

    private static ConfigException taken(Path outputDir, Path file) throws IOException {
        String holder = read(file).flatMap(text -> text.lines().findFirst()).orElse("");
        return new ConfigException(
                "output_dir: another run writes to %s%s; wait until it ends, stop it, or choose another output_dir"
                        .formatted(outputDir, holder.isEmpty() ? "" : " (" + holder + ")"));
    }

    /// Deletes the file while it is still locked: who opened it meanwhile sees that it is gone.
    @Override
    public void close() {
        if (channel.isEmpty()) {
            return;
        }
        try (var _ = channel.get()) {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.debug("{} can't be deleted: {}", file, e.toString());
        }
    }
}
