package org.attune.trainers.testing;

import org.attune.text.Tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// One token per UTF-8 byte, `ab` and `<eos>` single tokens (so that a boundary can fall
/// inside a token), and `<bos>` in front if special tokens are asked for.
public final class ByteTokenizer implements Tokenizer {
    public static final int AB = 256;
    public static final int EOS = 257;
    public static final int BOS = 258;

    private final boolean bos;

    public ByteTokenizer(boolean bos) {
        this.bos = bos;
    }

    @Override
    public Encoding encodeWithOffsets(String text, boolean addSpecialTokens) {
        var ids = new ArrayList<Integer>();
        var starts = new ArrayList<Integer>();
        var ends = new ArrayList<Integer>();
        if (bos && addSpecialTokens) {
            ids.add(BOS);
            starts.add(0);
            ends.add(0);
        }
        int at = 0;
        while (at < text.length()) {
            int start = at;
            if (text.startsWith("<eos>", at)) {
                ids.add(EOS);
                at += "<eos>".length();
            } else if (text.startsWith("ab", at)) {
                ids.add(AB);
                at += 2;
            } else {
                int next = text.offsetByCodePoints(at, 1);
                for (byte b : text.substring(at, next).getBytes(StandardCharsets.UTF_8)) {
                    ids.add(b & 0xff);
                }
                at = next;
            }
            pad(starts, ids.size(), start);
            pad(ends, ids.size(), at);
        }
        return new Encoding(array(ids), array(starts), array(ends));
    }

    private static void pad(List<Integer> list, int size, int value) {
        while (list.size() < size) {
            list.add(value);
        }
    }

    private static int[] array(List<Integer> list) {
        return list.stream().mapToInt(Integer::intValue).toArray();
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        StreamDecoder decoder = streamDecoder(skipSpecialTokens);
        var text = new StringBuilder();
        for (int id : ids) {
            text.append(decoder.push(id));
        }
        return text.append(decoder.flush()).toString();
    }

    @Override
    public StreamDecoder streamDecoder(boolean skipSpecialTokens) {
        return new StreamDecoder() {
            private final ByteArrayOutputStream held = new ByteArrayOutputStream();

            @Override
            public String push(int id) {
                if (id >= AB) {
                    return flush() + (skipSpecialTokens && id != AB ? "" : token(id));
                }
                held.write(id);
                String text = held.toString(StandardCharsets.UTF_8);
                return text.contains("\ufffd") ? "" : flush();
            }

            @Override
            public String flush() {
                String text = held.toString(StandardCharsets.UTF_8);
                held.reset();
                return text;
            }
        };
    }

    @Override
    public String token(int id) {
        return switch (id) {
            case AB -> "ab";
            case EOS -> "<eos>";
            case BOS -> "<bos>";
            default -> Character.toString(id);
        };
    }

    @Override
    public OptionalInt id(String token) {
        return token.equals("<eos>") ? OptionalInt.of(EOS) : OptionalInt.empty();
    }

    @Override
    public OptionalInt bosId() {
        return bos ? OptionalInt.of(BOS) : OptionalInt.empty();
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
        return BOS + 1;
    }

    @Override
    public void close() {}
}
