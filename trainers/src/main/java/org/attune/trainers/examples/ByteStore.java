package org.attune.trainers.examples;

import org.attune.error.DatasetException;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/// Bytes that are appended once and read at any place: in memory while they are few, in a file
/// otherwise. The file has no name while it is in use, so it goes with this object or with the
/// process, however that ends.
final class ByteStore {
    private final Path folder;
    private final int most;
    private byte[] pending = new byte[1 << 10];
    private int count;
    private long written;
    private RandomAccessFile file; // not a channel: an interrupt would close it

    /// @param folder of the file; where it isn't there, the system's folder for such files
    /// @param most bytes that are held in memory
    ByteStore(Path folder, int most) {
        this.folder = folder;
        this.most = most;
    }

    /// Adds a piece, and returns where it begins.
    synchronized long append(byte[] piece) {
        if (count > 0 && (long) count + piece.length > most) {
            writeOut();
        }
        long at = written + count;
        if (count + piece.length > pending.length) {
            int larger = (int) Math.min(2L * pending.length, most);
            pending = Arrays.copyOf(pending, Math.max(larger, count + piece.length));
        }
        System.arraycopy(piece, 0, pending, count, piece.length);
        count += piece.length;
        return at;
    }

    /// The piece at `at`, or a part of it.
    synchronized byte[] read(long at, int length) {
        if (at >= written) {
            int from = Math.toIntExact(at - written);
            return Arrays.copyOfRange(pending, from, from + length);
        }
        byte[] piece = new byte[length];
        try {
            file.seek(at);
            file.readFully(piece);
        } catch (IOException e) {
            throw new DatasetException(
                    "tokens that were put away for this run can't be read: " + e.getMessage(), e);
        }
        return piece;
    }

    /// Bytes that are held in memory.
    synchronized int held() {
        return pending.length;
    }

    private void writeOut() {
        try {
            if (file == null) {
                file = open();
            }
            file.seek(written);
            file.write(pending, 0, count);
        } catch (IOException e) {
            throw new DatasetException(
                    "%s: tokens of the rows can't be put away, which takes about eight bytes a token while they are prepared: %s"
                            .formatted(folder, e.getMessage()),
                    e);
        }
        written += count;
        count = 0;
    }

    private RandomAccessFile open() throws IOException {
        Path path =
                Files.isDirectory(folder)
                        ? Files.createTempFile(folder, ".attune-tokens-", ".tmp")
                        : Files.createTempFile("attune-tokens-", ".tmp");
        var opened = new RandomAccessFile(path.toFile(), "rw");
        Files.delete(path);
        return opened;
    }
}
