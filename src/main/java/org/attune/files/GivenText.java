package org.attune.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/// Reads texts that users name, such as a run's YAML file, and says in plain words why one can't
/// be read.
public final class GivenText {
    /// Most bytes of a text that a person writes.
    public static final int MOST = 16 << 20;

    private GivenText() {}

    /// The text of a UTF-8 file of at most [#MOST] bytes, without a byte order mark.
    ///
    /// @throws IOException saying what is wrong with the file, as [#reason] does
    public static String read(Path file) throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MOST + 1);
        } catch (IOException e) {
            throw new IOException(reason(file, e), e);
        }
        if (bytes.length > MOST) {
            throw new IOException(
                    "it has more than %d MiB, which no such text has".formatted(MOST >> 20));
        }
        String whole = decoded(bytes);
        return whole.startsWith("\uFEFF") ? whole.substring(1) : whole;
    }

    /// UTF-8 as text; no byte is replaced by another character.
    ///
    /// @throws IOException if it is no UTF-8, saying where
    static String decoded(byte[] bytes) throws IOException {
        CharBuffer text = CharBuffer.allocate(bytes.length + 1);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        CoderResult result = decoder.decode(in, text, true);
        if (result.isError()) {
            throw new IOException(
                    "it is not UTF-8 text (byte 0x%02x in line %d)"
                            .formatted(bytes[in.position()], line(bytes, in.position())));
        }
        return text.flip().toString();
    }

    private static long line(byte[] bytes, int end) {
        long line = 1;
        for (int i = 0; i < end; i++) {
            line += bytes[i] == '\n' ? 1 : 0;
        }
        return line;
    }

    /// Why a file can't be read: `it is a folder`, `there is no such file`.
    public static String reason(Path file, IOException e) {
        if (Files.isDirectory(file)) {
            return "it is a folder; a file is accepted";
        }
        return switch (e) {
            case NoSuchFileException _ ->
                    Files.isSymbolicLink(file)
                            ? "it is a link to a file that isn't there"
                            : "there is no such file";
            case AccessDeniedException _ -> "its permissions don't let it be read";
            case NotDirectoryException _ -> "a part of its path is a file, not a folder";
            case FileSystemException fault when "Not a directory".equals(fault.getReason()) ->
                    "a part of its path is a file, not a folder";
            case FileSystemException fault when fault.getReason() != null ->
                    "the system says: " + fault.getReason();
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
    }
}
