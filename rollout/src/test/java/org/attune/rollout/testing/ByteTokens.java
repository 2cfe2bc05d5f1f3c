package org.attune.rollout.testing;

import org.attune.text.Tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/// One token per byte, and one that ends a text. Streams only what are characters of one byte.
public final class ByteTokens implements Tokenizer {
    public static final int EOS = 256;

    @Override
    public Encoding encodeWithOffsets(String text, boolean addSpecialTokens) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = bytes[i] & 0xFF;
        }
        return new Encoding(ids, new int[ids.length], new int[ids.length]);
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        byte[] bytes = new byte[ids.length];
        int n = 0;
        for (int id : ids) {
            if (id != EOS) {
                bytes[n++] = (byte) id;
            }
        }
        return new String(bytes, 0, n, StandardCharsets.UTF_8);
    }

    @Override
    public StreamDecoder streamDecoder(boolean skipSpecialTokens) {
        return new StreamDecoder() {
            @Override
            public String push(int id) {
                return decode(new int[] {id}, skipSpecialTokens);
            }

            @Override
            public String flush() {
                return "";
            }
        };
    }

    @Override
    public String token(int id) {
        return null;
    }

    @Override
    public OptionalInt id(String token) {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt bosId() {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt eosId() {
        return OptionalInt.of(EOS);
    }

    @Override
    public OptionalInt padId() {
        return OptionalInt.empty();
    }

    @Override
    public int vocabularySize() {
        return 257;
    }

    @Override
    public void close() {}
}
