package org.attune.datasets.rows;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.GZIPInputStream;

/// A file of rows, compressed with gzip or not.
///
/// @param path where it lies
/// @param name how messages call it
record RowFile(Path path, String name) {
    /// Its bytes from the start, unpacked.
    InputStream open() throws IOException {
        InputStream raw = Files.newInputStream(path);
        return name.toLowerCase(Locale.ROOT).endsWith(".gz")
                ? new BufferedInputStream(new GZIPInputStream(raw, 1 << 16), 1 << 16)
                : new BufferedInputStream(raw, 1 << 16);
    }
}
