package org.attune.auto;

import org.attune.error.DatasetException;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// A file's text, and the encoding in which it was read.
///
/// @param text without a byte order mark
/// @param name of the encoding, for people
/// @param isDamaged whether some bytes couldn't be read, and stand as U+FFFD
record TextEncoding(String text, String name, boolean isDamaged) {
    /// The character in place of bytes that can't be read.
    static final char UNREADABLE = '\uFFFD';

    private static final int SAMPLE = 4096;

    /// Characters beyond ASCII that speak for UTF-8 against one that can't be read.
    private static final int MOST_BROKEN = 5;

    /// Characters that an older encoding may leave unread.
    private static final int MOST_UNREADABLE = 5;

    /// UTF-8 if it can be, UTF-16 by its mark or its zero bytes, else the older encoding that its
    /// bytes make likely.
    ///
    /// @param file for messages
    /// @throws DatasetException if the bytes are no text, or their encoding isn't clear
    static TextEncoding of(String file, byte[] bytes) {
        if (startsWith(bytes, 0xEF, 0xBB, 0xBF)) {
            return strict(file, bytes, 3, StandardCharsets.UTF_8, "UTF-8 with a byte order mark");
        }
        if (startsWith(bytes, 0xFF, 0xFE)) {
            return strict(file, bytes, 2, StandardCharsets.UTF_16LE, "UTF-16");
        }
        if (startsWith(bytes, 0xFE, 0xFF)) {
            return strict(file, bytes, 2, StandardCharsets.UTF_16BE, "UTF-16");
        }
        requireText(file, bytes);
        int[] zeros = zeros(bytes);
        if (zeros[0] + zeros[1] > 0) {
            int half = Math.min(bytes.length, SAMPLE) / 2;
            if (zeros[1] > half * 0.6 && zeros[0] < half * 0.1) {
                return strict(file, bytes, 0, StandardCharsets.UTF_16LE, "UTF-16");
            }
            if (zeros[0] > half * 0.6 && zeros[1] < half * 0.1) {
                return strict(file, bytes, 0, StandardCharsets.UTF_16BE, "UTF-16");
            }
            throw new DatasetException(
                    file + ": the file holds zero bytes; text in UTF-8 is accepted");
        }
        try {
            return new TextEncoding(decode(bytes, 0, StandardCharsets.UTF_8), "UTF-8", false);
        } catch (CharacterCodingException e) {
            return old(file, bytes);
        }
    }

    private static TextEncoding old(String file, byte[] bytes) {
        Optional<TextEncoding> damaged = damaged(bytes);
        if (damaged.isPresent()) {
            return damaged.get();
        }
        OldEncoding encoding =
                OldEncoding.of(bytes)
                        .orElseThrow(
                                () ->
                                        new DatasetException(
                                                file
                                                        + ": the text is no UTF-8, and its bytes"
                                                        + " don't say clearly which older encoding"
                                                        + " it is in; save it as UTF-8"));
        String text = new String(bytes, encoding.charset());
        if (broken(text) > MOST_UNREADABLE) {
            throw new DatasetException(
                    "%s: the file looks like %s, and %d of its characters can't be read so; save it as UTF-8"
                            .formatted(file, encoding.name(), broken(text)));
        }
        return new TextEncoding(text, encoding.name() + ", by its bytes", broken(text) > 0);
    }

    /// Text of a few bytes that are no UTF-8 is UTF-8 all the same.
    private static Optional<TextEncoding> damaged(byte[] bytes) {
        String read = new String(bytes, StandardCharsets.UTF_8);
        long beyond = read.chars().filter(c -> c > 127).count();
        return broken(read) * MOST_BROKEN <= beyond
                ? Optional.of(new TextEncoding(read, "UTF-8, but for some bytes", true))
                : Optional.empty();
    }

    private static long broken(String text) {
        return text.chars().filter(c -> c == UNREADABLE).count();
    }

    private static void requireText(String file, byte[] bytes) {
        if (startsWith(bytes, 'P', 'K', 3, 4) || startsWith(bytes, 0xD0, 0xCF, 0x11, 0xE0)) {
            throw new DatasetException(
                    file
                            + ": the file is a workbook of a spreadsheet program, or an archive;"
                            + " save the sheet as CSV (UTF-8), or unpack the archive");
        }
        if (startsWith(bytes, '%', 'P', 'D', 'F')) {
            throw new DatasetException(
                    file + ": the file is a PDF; a table as CSV, JSON or Parquet is accepted");
        }
    }

    private static TextEncoding strict(
            String file, byte[] bytes, int from, Charset charset, String name) {
        try {
            return new TextEncoding(decode(bytes, from, charset), name, false);
        } catch (CharacterCodingException e) {
            throw new DatasetException(
                    "%s: the file looks like %s, and some of its bytes can't be read so; save it as UTF-8"
                            .formatted(file, name),
                    e);
        }
    }

    private static String decode(byte[] bytes, int from, Charset charset)
            throws CharacterCodingException {
        return charset.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)
                .decode(ByteBuffer.wrap(bytes, from, bytes.length - from))
                .toString();
    }

    private static boolean startsWith(byte[] bytes, int... mark) {
        if (bytes.length < mark.length) {
            return false;
        }
        for (int i = 0; i < mark.length; i++) {
            if ((bytes[i] & 0xff) != mark[i]) {
                return false;
            }
        }
        return true;
    }

    /// Zero bytes at even and at odd places of the beginning.
    private static int[] zeros(byte[] bytes) {
        var zeros = new int[2];
        for (int i = 0; i < Math.min(bytes.length, SAMPLE); i++) {
            if (bytes[i] == 0) {
                zeros[i % 2]++;
            }
        }
        return zeros;
    }
}
