package org.attune.files;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// The end of a text file that may be long and may grow.
public final class FileTail {
    private FileTail() {}

    /// The last bytes as text, in UTF-8; a character that they begin within is shown as unreadable.
    ///
    /// @param most bytes that are read
    public static String read(Path file, int most) throws IOException {
        try (var open = new RandomAccessFile(file.toFile(), "r")) {
            open.seek(Math.max(0, open.length() - most));
            byte[] bytes = new byte[(int) (open.length() - open.getFilePointer())];
            open.readFully(bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }
}
