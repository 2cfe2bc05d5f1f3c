package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ModelException;
import org.attune.json.Json;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class GgufTokenizerTest {
    @Test
    void byteLevelMergesAndControlTokens() throws IOException {
        GgufTokenizer tokenizer = GgufTokenizer.of(metadata(byteLevel("smollm")));
        assertEquals(Map.of("bos_token", "<s>", "eos_token", "</s>"), tokenizer.specialTokens());
        assertEquals(Optional.of("{{ x }}"), tokenizer.chatTemplate());
        // a b → ab; the space belongs to what follows; digits stand alone.
        assertIds(tokenizer, "ab ab12</s>", 4, 5, 4, 6, 7, 1);
    }

    @Test
    void digitsAreCutBeforeOrAfterSpacesByRule() throws IOException {
        // "  1": smollm cuts the digit first, which leaves both spaces in one piece.
        assertIds(GgufTokenizer.of(metadata(byteLevel("smollm"))), "  1", 8, 6);
        assertIds(GgufTokenizer.of(metadata(byteLevel("gpt-2"))), "  1", 5, 5, 6);
    }

    @Test
    void beginningOfTextIsAddedOnRequest() throws IOException {
        Map<String, Object> values = byteLevel("gpt-2");
        values.put("tokenizer.ggml.add_bos_token", true);
        try (var tokenizer = GgufTokenizerFixtureTest.load(GgufTokenizer.of(metadata(values)))) {
            assertArrayEquals(new long[] {0, 4}, tokenizer.encode("ab", true, false).getIds());
            assertArrayEquals(new long[] {4}, tokenizer.encode("ab", false, false).getIds());
        }
    }

    @Test
    void sentencePieceMergesByScoreAndFallsBackToBytes() throws IOException {
        GgufTokenizer tokenizer = GgufTokenizer.of(metadata(sentencePiece()));
        // "▁", "a", "b": of "▁a" (score -2) and "ab" (score -1) the better union is made first.
        assertIds(tokenizer, "ab", 259, 263);
        assertIds(tokenizer, "a", 262);
        assertIds(tokenizer, "ü", 259, 3 + 0xC3, 3 + 0xBC);
        try (HuggingFaceTokenizer read = GgufTokenizerFixtureTest.load(tokenizer)) {
            assertEquals("ü ab", read.decode(read.encode("ü ab", false, false).getIds(), true));
            assertArrayEquals(new long[] {1, 262}, read.encode("a", true, false).getIds());
        }
    }

    /// Made by `src/test/recorded/make_kimi_text.py`.
    @Test
    void kimisRuleGivesTheIdsOfItsOwnTokenizer() throws IOException {
        Path file = Fixtures.own("src/test/resources/recorded/gguf/kimi-k2.json");
        JsonNode recorded = Json.STRICT_WITH_NAN.readTree(Files.readString(file));
        List<Object> tokens = texts(recorded.get("tokens"));
        List<Object> kinds = new ArrayList<>(Collections.nCopies(tokens.size(), 1L));
        int special = recorded.get("special").intValue();
        Collections.fill(kinds.subList(tokens.size() - special, tokens.size()), 3L);
        var values = new LinkedHashMap<String, Object>();
        values.put("tokenizer.ggml.model", "gpt2");
        values.put("tokenizer.ggml.pre", "kimi-k2");
        values.put("tokenizer.ggml.tokens", tokens);
        values.put("tokenizer.ggml.token_type", kinds);
        values.put("tokenizer.ggml.merges", texts(recorded.get("merges")));
        GgufTokenizer tokenizer = GgufTokenizer.of(metadata(values));
        try (var report = new CaseReport("Kimi K2's texts", getClass()).requiring(150);
                HuggingFaceTokenizer read = GgufTokenizerFixtureTest.load(tokenizer)) {
            for (JsonNode one : recorded.get("cases")) {
                String text = one.get(0).textValue();
                long[] ids = GgufTokenizerFixtureTest.longs(one.get(1));
                report.run(
                        text,
                        () -> assertArrayEquals(ids, read.encode(text, false, false).getIds()));
            }
        }
        assertEquals(
                Optional.of("kimi-k2"),
                GgufPreTokenizer.nameOf(List.of(recorded.get("pattern").textValue())));
        Map<String, Object> written =
                GgufText.of(
                        "m",
                        "deepseek2",
                        tokenizer.tokenizerJson(),
                        Map.of(),
                        List.of(),
                        Optional.empty(),
                        tokens.size());
        values.forEach((key, value) -> assertEquals(value, written.get(key), key));
    }

    private static List<Object> texts(JsonNode list) {
        var texts = new ArrayList<Object>();
        list.forEach(text -> texts.add(text.textValue()));
        return texts;
    }

    @Test
    void unknownRulesAreNamed() {
        Map<String, Object> values = byteLevel("dbrx");
        var error = assertThrows(ModelException.class, () -> GgufTokenizer.of(metadata(values)));
        assertTrue(
                error.getMessage()
                        .startsWith(
                                "test.gguf: tokenizer.ggml.pre \"dbrx\" is not supported;"
                                        + " supported: [gpt-2"),
                error.getMessage());
    }

    @Test
    void inconsistentVocabulariesAreRefused() {
        refuses("tokenizer.ggml.model", "bert", "accepted: gpt2");
        refuses("tokenizer.ggml.bos_token_id", 99L, "token ids below 9");
        refuses("tokenizer.ggml.token_type", List.of(1L), "1 entries for 9 tokens");
        refuses("tokenizer.ggml.merges", List.of("ab"), "two tokens with a space");
        refuses("tokenizer.ggml.tokens", 3L, "a list of strings");
        List<Object> tokens = new ArrayList<>(Collections.nCopies(8, "a"));
        tokens.add("b".repeat(1 << 20));
        refuses("tokenizer.ggml.tokens", tokens, "token 8 of tokenizer.ggml.tokens has 1048576");
    }

    @Test
    void repeatedTextsKeepTheirIds() throws IOException {
        Map<String, Object> values = byteLevel("gpt-2");
        values.put(
                "tokenizer.ggml.tokens",
                List.of("<s>", "</s>", "a", "b", "ab", "Ġ", "1", "a", "ĠĠ"));
        try (var tokenizer = GgufTokenizerFixtureTest.load(GgufTokenizer.of(metadata(values)))) {
            assertArrayEquals(new long[] {2, 5, 6}, tokenizer.encode("a 1", false, false).getIds());
        }
    }

    private static Map<String, Object> byteLevel(String rule) {
        var values = new LinkedHashMap<String, Object>();
        values.put("tokenizer.ggml.model", "gpt2");
        values.put("tokenizer.ggml.pre", rule);
        values.put(
                "tokenizer.ggml.tokens",
                List.of("<s>", "</s>", "a", "b", "ab", "Ġ", "1", "2", "ĠĠ"));
        values.put("tokenizer.ggml.token_type", List.of(3L, 3L, 1L, 1L, 1L, 1L, 1L, 1L, 1L));
        values.put("tokenizer.ggml.merges", List.of("a b", "Ġ Ġ"));
        values.put("tokenizer.ggml.bos_token_id", 0L);
        values.put("tokenizer.ggml.eos_token_id", 1L);
        values.put("tokenizer.chat_template", "{{ x }}");
        return values;
    }

    /// Ids: 0–2 special, 3–258 bytes, then pieces.
    private static Map<String, Object> sentencePiece() {
        List<Object> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
        List<Object> kinds = new ArrayList<>(List.of(2L, 3L, 3L));
        for (int b = 0; b < 256; b++) {
            tokens.add("<0x%02X>".formatted(b));
            kinds.add(6L);
        }
        List<Object> scores = new ArrayList<>();
        tokens.forEach(_ -> scores.add(0f));
        tokens.addAll(List.of("▁", "a", "b", "▁a", "ab"));
        scores.addAll(List.of(-9f, -9f, -9f, -2f, -1f));
        for (int i = 0; i < 5; i++) {
            kinds.add(1L);
        }
        var values = new LinkedHashMap<String, Object>();
        values.put("tokenizer.ggml.model", "llama");
        values.put("tokenizer.ggml.tokens", tokens);
        values.put("tokenizer.ggml.token_type", kinds);
        values.put("tokenizer.ggml.scores", scores);
        values.put("tokenizer.ggml.unknown_token_id", 0L);
        values.put("tokenizer.ggml.bos_token_id", 1L);
        return values;
    }

    private static GgufMetadata metadata(Map<String, Object> values) {
        return new GgufMetadata("test.gguf", values);
    }

    private static void assertIds(GgufTokenizer tokenizer, String text, long... ids)
            throws IOException {
        try (HuggingFaceTokenizer read = GgufTokenizerFixtureTest.load(tokenizer)) {
            assertArrayEquals(ids, read.encode(text, false, false).getIds(), text);
        }
    }

    private static void refuses(String key, Object value, String message) {
        Map<String, Object> values = byteLevel("gpt-2");
        values.put(key, value);
        var error =
                assertThrows(ModelException.class, () -> GgufTokenizer.of(metadata(values)), key);
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }
}
