package org.attune.files;

import org.attune.error.ModelException;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// A file read by position, with the length it had when opened. Reads go straight into the
/// caller's
/// memory; nothing is mapped, so a file that shrinks meanwhile is an exception and not a fault.
/// Thread-safe.
public final class DataChannel implements AutoCloseable {
    /// Most bytes that one system call reads.
    private static final long CHUNK = 64L << 20;

    private final Path file;
    private final FileChannel channel;
    private final long size;

    private DataChannel(Path file, FileChannel channel, long size) {
        this.file = file;
        this.channel = channel;
        this.size = size;
    }

    public static DataChannel open(Path file) {
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
            return new DataChannel(file, channel, channel.size());
        } catch (NoSuchFileException e) {
            throw new ModelException(file + " does not exist", e);
        } catch (IOException e) {
            throw new ModelException(file + " can't be read: " + e.getMessage(), e);
        }
    }

    public Path file() {
        return file;
    }

    public long size() {
        return size;
    }

    /// Fills `target` with the bytes from `position` on.
    public void read(long position, MemorySegment target) {
        for (long done = 0; done < target.byteSize(); done += CHUNK) {
            long length = Math.min(CHUNK, target.byteSize() - done);
            read(position + done, target.asSlice(done, length).asByteBuffer());
        }
    }

    /// Fills what remains of `target` with the bytes from `position` on.
    public void read(long position, ByteBuffer target) {
        try {
            long at = position;
            while (target.hasRemaining()) {
                int count = channel.read(target, at);
                if (count < 0) {
                    throw new ModelException(
                            "%s ends at byte %d, but %d more are needed; the file is truncated"
                                    .formatted(file, at, target.remaining()));
                }
                at += count;
            }
        } catch (IOException e) {
            throw new ModelException(
                    "%s can't be read at byte %d: %s".formatted(file, position, e), e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new ModelException(file + " can't be closed: " + e.getMessage(), e);
        }
    }
}
