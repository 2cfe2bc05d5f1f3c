package org.attune.text;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ModelException;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How a vocabulary's texts spell bytes, as the `decoder` of a `tokenizer.json` says.
enum TokenSpelling {
    /// Every character is one byte, shifted where it could not be seen (GPT-2).
    BYTE_LEVEL {
        @Override
        byte[] bytes(String token) {
            var bytes = new ByteArrayOutputStream();
            for (int i = 0; i < token.length(); i++) {
                char c = token.charAt(i);
                if (c >= SHIFTED.length || SHIFTED[c] < 0) {
                    return utf8(token); // not of this spelling, as added tokens
                }
                bytes.write(SHIFTED[c]);
            }
            return bytes.toByteArray();
        }
    },
    /// `▁` is a blank, and `<0x0A>` a byte (SentencePiece).
    MARKED_BLANKS {
        @Override
        byte[] bytes(String token) {
            if (token.matches("<0x[0-9A-Fa-f]{2}>")) {
                return new byte[] {(byte) Integer.parseInt(token.substring(3, 5), 16)};
            }
            return utf8(token.replace('▁', ' '));
        }
    },
    /// Text as it stands, which holds where there is no decoder.
    PLAIN {
        @Override
        byte[] bytes(String token) {
            return utf8(token);
        }
    },
    /// Another one, as WordPiece's, where a token's bytes depend on its neighbours.
    UNKNOWN {
        @Override
        byte[] bytes(String token) {
            throw new ModelException(
                    "the bytes of single tokens of this tokenizer aren't known, because its decoder"
                            + " is neither ByteLevel nor one with ByteFallback or Metaspace, so"
                            + " completions can't be constrained; use another model");
        }
    };

    /// By character: its byte, or -1.
    private static final int[] SHIFTED = shifted();

    private static int[] shifted() {
        var bytes = new int[256 + 68]; // 68 bytes can't be seen
        Arrays.fill(bytes, -1);
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean seen = b > ' ' && b <= '~' || b >= 0xa1 && b != 0xad;
            bytes[seen ? b : next++] = b;
        }
        return bytes;
    }

    /// The bytes that a token adds to a text.
    ///
    /// @throws ModelException if they aren't known
    abstract byte[] bytes(String token);

    private static byte[] utf8(String token) {
        return token.getBytes(StandardCharsets.UTF_8);
    }

    /// @param decoder may be missing
    static TokenSpelling of(JsonNode decoder) {
        if (decoder == null || decoder.isNull()) {
            return PLAIN;
        }
        List<String> kinds = new ArrayList<>();
        decoder.findValuesAsText("type").forEach(kinds::add);
        if (kinds.contains("ByteLevel")) {
            return BYTE_LEVEL;
        }
        return kinds.contains("ByteFallback") || kinds.contains("Metaspace")
                ? MARKED_BLANKS
                : UNKNOWN;
    }
}
