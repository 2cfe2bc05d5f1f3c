package org.attune.text;

import com.fasterxml.jackson.databind.JsonNode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.BitSet;
import java.util.Optional;

/// SentencePiece's table of replacements, as a `tokenizer.json` has it: base64 of a double array
/// (32-bit units behind the number of its bytes) and the texts that its values point into. Native
/// code follows the units without looking where they lead, so all are looked at here.
final class CharsMap {
    private static final int VALUE = 1 << 31;

    private CharsMap() {}

    /// What is wrong with a table; empty if nothing.
    static Optional<String> problem(JsonNode encoded) {
        if (encoded.isNull()) {
            return Optional.of("is null");
        }
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(encoded.asText());
        } catch (IllegalArgumentException e) {
            return Optional.of("is no base64: " + e.getMessage());
        }
        ByteBuffer table = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long size = bytes.length < 4 ? 0 : Integer.toUnsignedLong(table.getInt());
        if (size == 0 || size % 4 != 0 || size > table.remaining()) {
            return Optional.of(
                    "is damaged: its array has %d of %d bytes".formatted(size, bytes.length));
        }
        var units = new int[(int) size / 4];
        table.asIntBuffer().get(units);
        table.position(4 + (int) size);
        try {
            return problem(units, StandardCharsets.UTF_8.newDecoder().decode(table));
        } catch (CharacterCodingException e) {
            return Optional.of("is damaged: its texts are not UTF-8");
        }
    }

    private static Optional<String> problem(int[] units, CharBuffer texts) {
        BitSet starts = starts(texts.toString());
        for (int i = 0; i < units.length; i++) {
            int unit = units[i];
            boolean wrong;
            if ((unit & VALUE) != 0) {
                wrong = !starts.get(unit & ~VALUE);
            } else {
                int offset = (unit >>> 10) << ((unit & 1 << 9) >>> 6);
                wrong = Integer.toUnsignedLong(i ^ offset | 0xff) >= units.length;
            }
            if (wrong) {
                return Optional.of("is damaged: unit %d leads out of it".formatted(i));
            }
        }
        return Optional.empty();
    }

    /// Bytes at which a character begins, and the end.
    private static BitSet starts(String texts) {
        var starts = new BitSet();
        int at = 0;
        for (int i = 0; i < texts.length(); ) {
            int c = texts.codePointAt(i);
            starts.set(at);
            at += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
            i += Character.charCount(c);
        }
        starts.set(at);
        return starts;
    }
}
