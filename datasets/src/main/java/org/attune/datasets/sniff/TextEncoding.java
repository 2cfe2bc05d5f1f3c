package org.attune.datasets.sniff;

import org.attune.error.DatasetException;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/// A file's text, and the encoding in which it was read.
///
/// @param text without a byte order mark
/// @param name of the encoding, for people
record TextEncoding(String text, String name) {
    private static final Charset WINDOWS = Charset.forName("windows-1252");
    private static final int SAMPLE = 4096;
    private static final double MOST_OTHERS = 0.4;
    private static final Pattern STRANGE =
            Pattern.compile("\\p{Ll}[¹³¿¼¾§ŠŽŸ‡†ˆ‰¡¢£¤¥¦©ª«¬®¯±²µ¶¸]\\p{Ll}");

    /// UTF-8 if it can be, UTF-16 by its mark or its zero bytes, else Windows-1252, which holds
    /// ISO 8859-1's letters too.
    ///
    /// @param file for messages
    /// @throws DatasetException if the bytes are no text
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
            return new TextEncoding(decode(bytes, 0, StandardCharsets.UTF_8), "UTF-8");
        } catch (CharacterCodingException e) {
            TextEncoding read = strict(file, bytes, 0, WINDOWS, "Windows-1252 (it is no UTF-8)");
            requireWestern(file, read.text());
            return read;
        }
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

    /// Other old encodings can be read as Windows-1252 too, and give other letters: nearly all of
    /// them beyond ASCII, or signs and capitals within words.
    private static void requireWestern(String file, String text) {
        long letters = text.chars().filter(Character::isLetter).count();
        long others = text.chars().filter(c -> c > 127 && Character.isLetter(c)).count();
        if (others > MOST_OTHERS * letters || STRANGE.matcher(text).results().count() > 1) {
            throw new DatasetException(
                    file
                            + ": the text is in an encoding that isn't known (no UTF-8, UTF-16 or"
                            + " Windows-1252); save it as UTF-8");
        }
    }

    private static TextEncoding strict(
            String file, byte[] bytes, int from, Charset charset, String name) {
        try {
            return new TextEncoding(decode(bytes, from, charset), name);
        } catch (CharacterCodingException e) {
            throw new DatasetException(
                    "%s: the file begins as %s and isn't; save it as UTF-8".formatted(file, name),
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
