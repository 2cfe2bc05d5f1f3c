package org.attune.datasets;

import org.attune.error.DatasetException;
import org.attune.hash.Sha256;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

/// Tells files from others without reading all of large ones: by name, size and bytes, of a file
/// beyond [#WHOLE] by those at its beginning and its end. Where a file lies doesn't count.
final class FilesDigest {
    static final int WHOLE = 1 << 26;
    private static final int PIECE = 1 << 20;

    private final MessageDigest digest = Sha256.begin();

    /// Adds a text.
    void add(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
        digest.update(bytes);
    }

    /// Adds a file.
    ///
    /// @throws DatasetException if it can't be read
    void add(Path file) {
        try (var bytes = new RandomAccessFile(file.toFile(), "r")) {
            long size = bytes.length();
            add(file.getFileName() + " " + size);
            if (size <= WHOLE) {
                add(bytes, size);
            } else {
                add(bytes, WHOLE / 2);
                bytes.seek(size - WHOLE / 2);
                add(bytes, WHOLE / 2);
            }
        } catch (IOException e) {
            throw new DatasetException(file + ": can't be read: " + e.getMessage(), e);
        }
    }

    private void add(RandomAccessFile bytes, long count) throws IOException {
        byte[] piece = new byte[PIECE];
        for (long left = count; left > 0; ) {
            int read = bytes.read(piece, 0, (int) Math.min(PIECE, left));
            if (read < 0) {
                throw new IOException("it became shorter");
            }
            digest.update(piece, 0, read);
            left -= read;
        }
    }

    /// All that was added, in 32 hexadecimal digits.
    String hex() {
        return HexFormat.of().formatHex(digest.digest()).substring(0, 32);
    }
}
