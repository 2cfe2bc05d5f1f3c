package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.attune.error.ModelException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// On a byte-level BPE of 280 tokens: 0 `<|end|>`, 1 `<|start|>`, 2 `<|pad|>`, 3–258 the bytes,
/// then merges up to `hello` (262), ` world` (267), `user` (270), `assistant` (278), and `<think>`
/// (279).
class HfTokenizerTest {
    private static final int NEWLINE = 13;
    private final HfTokenizer tokenizer = TinyModel.tokenizer();

    @AfterEach
    void close() {
        tokenizer.close();
    }

    @Test
    void mergesAndCutsOutControlTokens() {
        assertArrayEquals(
                new int[] {1, 270, NEWLINE, 262, 267, 0},
                tokenizer.encode("<|start|>user\nhello world<|end|>", false));
    }

    @Test
    void addsSpecialTokensOnlyWhenAsked() {
        assertArrayEquals(new int[] {262}, tokenizer.encode("hello", false));
        assertArrayEquals(new int[] {1, 262}, tokenizer.encode("hello", true));
    }

    @Test
    void neitherTruncatesNorPadsThoughTheFileSaysSo() {
        assertEquals(9, tokenizer.encode("hello world".repeat(4), false).length + 1);
        assertEquals(1, tokenizer.encode("hello", false).length);
    }

    @Test
    void spansCountUtf16Units() {
        Tokenizer.Encoding encoding = tokenizer.encodeWithOffsets("👋hello", true);
        assertArrayEquals(new int[] {0, 0, 0, 0, 0, 2}, encoding.start());
        assertArrayEquals(new int[] {0, 2, 2, 2, 2, 7}, encoding.end());
        assertEquals(262, encoding.ids()[5]);
    }

    @Test
    void decodesWhatItEncoded() {
        String text = "hello\u0000 wörld 👩‍👧 <|end|>\u2028";
        int[] ids = tokenizer.encode(text, false);
        assertEquals(text, tokenizer.decode(ids, false));
        assertEquals(text.replace("<|end|>", ""), tokenizer.decode(ids, true));
    }

    @Test
    void streamsWholeCharacters() {
        int[] ids = tokenizer.encode("é👋 hello", false);
        Tokenizer.StreamDecoder stream = tokenizer.streamDecoder(false);
        var parts = new StringBuilder();
        for (int id : ids) {
            parts.append(stream.push(id)).append('|');
        }
        assertEquals("|é||||👋| |hello|", parts.toString());
        assertEquals("", stream.flush());
    }

    @Test
    void flushGivesWhatNeverBecameACharacter() {
        int[] wave = tokenizer.encode("👋", false);
        Tokenizer.StreamDecoder stream = tokenizer.streamDecoder(false);
        assertEquals("", stream.push(wave[0]));
        assertEquals("", stream.push(wave[1]));
        assertEquals("\ufffd", stream.flush());
        assertEquals("hello", stream.push(262), "a flushed decoder starts afresh");
    }

    @Test
    void readsControlTokensAsTextWhenTold() {
        Tokenizer.Encoding encoding = tokenizer.encodeAsText("<|end|>");
        assertEquals(7, encoding.ids().length);
        assertTrue(IntStream.of(encoding.ids()).noneMatch(id -> id == 0));
        assertEquals("<|end|>", tokenizer.decode(encoding.ids(), true));
    }

    @Test
    void knowsItsVocabulary() {
        assertEquals(280, tokenizer.vocabularySize());
        assertEquals("hello", tokenizer.token(262));
        assertEquals(OptionalInt.of(279), tokenizer.id("<think>"));
        assertEquals(OptionalInt.empty(), tokenizer.id("nothing"));
        assertNull(tokenizer.token(280));
        assertNull(tokenizer.token(-1));
        assertEquals(OptionalInt.of(1), tokenizer.bosId());
        assertEquals(OptionalInt.of(0), tokenizer.eosId());
        assertEquals(OptionalInt.of(2), tokenizer.padId());
    }

    @Test
    void refusesHalfCharacters() {
        var e = assertThrows(DatasetException.class, () -> tokenizer.encode("ab\ud83dc", false));
        assertTrue(e.getMessage().contains("\\ud83d at position 2"), e.getMessage());
    }

    @Test
    void worksFromManyThreads() {
        assertTrue(
                IntStream.range(0, 2000)
                        .parallel()
                        .allMatch(
                                i -> {
                                    String text = "hello " + i + " 👋";
                                    int[] ids = tokenizer.encode(text, false);
                                    return tokenizer.decode(ids, false).equals(text);
                                }));
    }

    @Test
    void usingItAfterCloseIsAnError() {
        tokenizer.close();
        assertThrows(IllegalStateException.class, () -> tokenizer.encode("hello", false));
        assertThrows(IllegalStateException.class, () -> tokenizer.decode(new int[] {1}, false));
        assertThrows(IllegalStateException.class, () -> tokenizer.encodeAsText("hello"));
        tokenizer.close();
    }

    @Test
    void brokenFilesAreNamed() {
        for (String json : new String[] {"", "{", "[]", "{\"model\": {\"vocab\": {\"a\": 0}}}"}) {
            var e =
                    assertThrows(
                            ModelException.class,
                            () -> HfTokenizer.of("some.json", json, SpecialTokens.none()));
            assertTrue(e.getMessage().startsWith("some.json"), e.getMessage());
        }
    }

    @Test
    void anUnknownEndTokenIsRefused() {
        var specials = new SpecialTokens(Map.of("eos_token", "</s>"));
        var e =
                assertThrows(
                        ModelException.class,
                        () -> HfTokenizer.of("some.json", tokenizer.json(), specials));
        assertTrue(e.getMessage().contains("eos_token \"</s>\""), e.getMessage());
    }
}
