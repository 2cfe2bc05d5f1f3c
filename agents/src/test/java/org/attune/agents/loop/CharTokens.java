package org.attune.agents.loop;

import org.attune.text.ChatTokenizer;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.SpecialTokens;
import org.attune.text.Tokenizer;

import java.util.OptionalInt;
import java.util.stream.IntStream;

/// One token per character; `§` is special, and ends a turn.
final class CharTokens implements Tokenizer {
    static final int END = '§';

    /// With a template of a line a message.
    static ChatTokenizer chat() {
        return new ChatTokenizer(
                new CharTokens(),
                JinjaChatTemplate.compile(
                        "characters",
                        "{% for m in messages %}{{ m.role }}: {{ m.content }}§{% endfor %}"
                                + "{% if add_generation_prompt %}assistant: {% endif %}",
                        SpecialTokens.none()));
    }

    @Override
    public Encoding encodeWithOffsets(String text, boolean addSpecialTokens) {
        int[] ids = text.chars().toArray();
        int[] start = IntStream.range(0, ids.length).toArray();
        return new Encoding(ids, start, IntStream.rangeClosed(1, ids.length).toArray());
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        var text = new StringBuilder();
        for (int id : ids) {
            if (id != END || !skipSpecialTokens) {
                text.append((char) id);
            }
        }
        return text.toString();
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
        return String.valueOf((char) id);
    }

    @Override
    public OptionalInt id(String token) {
        return token.length() == 1 ? OptionalInt.of(token.charAt(0)) : OptionalInt.empty();
    }

    @Override
    public OptionalInt bosId() {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt eosId() {
        return OptionalInt.of(END);
    }

    @Override
    public OptionalInt padId() {
        return OptionalInt.empty();
    }

    @Override
    public int vocabularySize() {
        return 1 << 16;
    }

    @Override
    public void close() {}
}
