package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.List;

class VocabularyTest {
    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void tokensOfAFileWithoutADecoderHaveBytesToo() {
        Vocabulary levels = Vocabulary.of(List.of("Ġa", "Ã"), List.of(), true);
        assertArrayEquals(utf8(" a"), levels.bytes(0));
        assertArrayEquals(new byte[] {(byte) 0xc3}, levels.bytes(1));
        Vocabulary blanks = Vocabulary.of(List.of("▁a", "<0x0A>"), List.of(), false);
        assertArrayEquals(utf8(" a"), blanks.bytes(0));
        assertArrayEquals(utf8("\n"), blanks.bytes(1));
    }
}
