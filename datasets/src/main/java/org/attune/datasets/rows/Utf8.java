package org.attune.datasets.rows;

import org.attune.error.DatasetException;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/// Strict UTF-8: bytes that are no text are an error with their place, never a replacement
/// character.
final class Utf8 {
    private static final int CARRIED = 8;

    private Utf8() {}

    static CharsetDecoder strictDecoder() {
        return StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
    }

    /// Decodes `bytes[0, length)`.
    ///
    /// @param where `file:line` of the bytes, for the message
    static CharBuffer decode(byte[] bytes, int length, String where) {
        CharBuffer chars = CharBuffer.allocate(length + 1);
        ByteBuffer in = ByteBuffer.wrap(bytes, 0, length);
        CharsetDecoder decoder = strictDecoder();
        CoderResult result = decoder.decode(in, chars, true);
        if (result.isError()) {
            throw invalid(where, in.position(), bytes, in.position(), length);
        }
        decoder.flush(chars);
        return chars.flip();
    }

    /// Reads the file again to say where it stops being UTF-8; the readers that stream characters
    /// learn only that it does.
    static DatasetException locate(RowFile file) throws IOException {
        byte[] buffer = new byte[1 << 16];
        CharBuffer sink = CharBuffer.allocate(1 << 16);
        CharsetDecoder decoder = strictDecoder();
        long line = 1;
        long lineStart = 0;
        long base = 0;
        try (InputStream in = file.open()) {
            int held = 0;
            for (int n; (n = in.read(buffer, held, buffer.length - held)) >= 0; ) {
                int length = held + n;
                ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, length);
                sink.clear();
                CoderResult result = decoder.decode(bytes, sink, false);
                int good = bytes.position();
                for (int i = 0; i < good; i++) {
                    if (buffer[i] == '\n') {
                        line++;
                        lineStart = base + i + 1;
                    }
                }
                if (result.isError()) {
                    String where = file.name() + ":" + line;
                    return invalid(where, base + good - lineStart, buffer, good, length);
                }
                held = length - good;
                System.arraycopy(buffer, good, buffer, 0, held);
                base += good;
            }
            String where = file.name() + ":" + line;
            return invalid(where, base - lineStart, buffer, 0, held);
        }
    }

    private static DatasetException invalid(
            String where, long byteInLine, byte[] bytes, int at, int end) {
        int first = at < end ? bytes[at] & 0xff : 0;
        String guess;
        if (first == 0xff || first == 0xfe) {
            guess = "looks like UTF-16";
        } else if (first == 0xc0 || first == 0xc1) {
            guess = "overlong form";
        } else if (end - at < CARRIED && at + 1 >= end) {
            guess = "cut in the middle of a character";
        } else {
            guess = "looks like Latin-1 or Windows-1252";
        }
        return new DatasetException(
                "%s: byte %d of the line (0x%02x) is not UTF-8 (%s); convert the file to UTF-8, for example with iconv"
                        .formatted(where, byteInLine, first, guess));
    }
}
