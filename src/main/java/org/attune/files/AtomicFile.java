package org.attune.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// Files that are written whole or not at all. The bytes go to a hidden sibling, are forced to the
/// disk, and the sibling is renamed. A process killed at any moment leaves the old file or the new
/// one. A sibling whose name ends in `.tmp` may remain; nobody reads it.
public final class AtomicFile {
    static final String TEMPORARY_SUFFIX = ".tmp";

    private AtomicFile() {}

    /// Writes a file's content.
    @FunctionalInterface
    public interface Content {
        /// Writes to an empty file, open for writing, positioned at its start.
        void writeTo(FileChannel channel) throws IOException;
    }

    /// Replaces `file`, or creates it, with what `content` writes.
    ///
    /// @throws IOException if anything fails; `file` is then as it was, unless the rename alone
    ///     couldn't be forced to the disk
    public static void write(Path file, Content content) throws IOException {
        Path target = file.toAbsolutePath();
        Path temporary = temporarySibling(target);
        try {
            try (var channel =
                    FileChannel.open(
                            temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                content.writeTo(channel);
                Disk.force(channel, target);
            }
            move(temporary, target);
        } catch (IOException | RuntimeException | Error e) {
            Files.deleteIfExists(temporary);
            throw e;
        }
        Disk.forceFolder(target.getParent());
    }

    /// Replaces `file`, or creates it, with UTF-8 text.
    public static void writeText(Path file, String text) throws IOException {
        write(
                file,
                channel -> {
                    var bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
                    while (bytes.hasRemaining()) {
                        channel.write(bytes);
                    }
                });
    }

    /// Unused name beside `target`; process and thread keep those apart that write at once.
    static Path temporarySibling(Path target) throws IOException {
        String name =
                target.getFileName()
                        + "."
                        + ProcessHandle.current().pid()
                        + "."
                        + Thread.currentThread().threadId();
        Path temporary = target.resolveSibling("." + name + TEMPORARY_SUFFIX);
        for (int i = 1; Files.exists(temporary); i++) {
            temporary = target.resolveSibling("." + name + "-" + i + TEMPORARY_SUFFIX);
        }
        return temporary;
    }

    static void move(Path from, Path to) throws IOException {
        try {
            Files.move(
                    from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException("the file system of %s can't rename atomically".formatted(to), e);
        }
    }
}
