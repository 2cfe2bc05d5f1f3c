package org.attune.datasets.rows;

import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/// A file of rows, compressed with gzip or not.
///
/// @param path where it lies
/// @param name how messages call it
/// @param limits how large its rows and, if it is compressed, the whole may be
record RowFile(Path path, String name, RowLimits limits) {
    /// Opens the file's bytes from the start, unpacked.
    InputStream open() throws IOException {
        InputStream raw = Files.newInputStream(path);
        return name.toLowerCase(Locale.ROOT).endsWith(".gz")
                ? new BufferedInputStream(new Unpacked(new GzipStream(raw)), 1 << 16)
                : new BufferedInputStream(raw, 1 << 16);
    }

    /// Ends where compressed data becomes more than it may.
    private final class Unpacked extends FilterInputStream {
        private final long packed = Files.size(path);
        private long count;

        Unpacked(InputStream in) throws IOException {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int value = super.read();
            count(value < 0 ? 0 : 1);
            return value;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int n = super.read(bytes, offset, length);
            count(Math.max(0, n));
            return n;
        }

        private void count(int more) {
            count += more;
            if (count > limits.unpackedOf(packed)) {
                throw limits.unpacksTooFar(name, packed);
            }
        }
    }
}
